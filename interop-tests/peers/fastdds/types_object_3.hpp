// The type of the shapes with its TypeObject, which Fast DDS 3's content filters need: described as a dynamic type, of
// which the library makes the object.
#pragma once

#include <fastdds/dds/domain/DomainParticipantFactory.hpp>
#include <fastdds/dds/xtypes/dynamic_types/DynamicPubSubType.hpp>
#include <fastdds/dds/xtypes/dynamic_types/DynamicType.hpp>
#include <fastdds/dds/xtypes/dynamic_types/DynamicTypeBuilder.hpp>
#include <fastdds/dds/xtypes/dynamic_types/DynamicTypeBuilderFactory.hpp>
#include <fastdds/dds/xtypes/dynamic_types/MemberDescriptor.hpp>
#include <fastdds/dds/xtypes/dynamic_types/TypeDescriptor.hpp>
#include <fastdds/dds/xtypes/type_representation/ITypeObjectRegistry.hpp>

class ShapeTypeWithObject : public PeerType<ShapeType> {
 public:
  void register_type_object_representation() override {
    using namespace eprosima::fastdds::dds;
    DynamicTypeBuilderFactory::_ref_type factory = DynamicTypeBuilderFactory::get_instance();
    TypeDescriptor::_ref_type type = traits<TypeDescriptor>::make_shared();
    type->kind(TK_STRUCTURE);
    type->name("ShapeType");
    type->extensibility_kind(ExtensibilityKind::APPENDABLE);
    DynamicTypeBuilder::_ref_type shape = factory->create_type(type);
    DynamicType::_ref_type number = factory->get_primitive_type(TK_INT32);
    DynamicType::_ref_type color = factory->create_string_type(128)->build();
    DynamicType::_ref_type payload = factory->create_sequence_type(factory->get_primitive_type(TK_BYTE), static_cast<uint32_t>(LENGTH_UNLIMITED))->build();
    add(shape, "color", color, true);
    add(shape, "x", number, false);
    add(shape, "y", number, false);
    add(shape, "shapesize", number, false);
    add(shape, "additional_payload_size", payload, false);
    DynamicPubSubType described(shape->build());
    described.register_type_object_representation();
    type_identifiers_ = described.type_identifiers();
    // The filters look for the object by the type's name.
    xtypes::ITypeObjectRegistry &registry = DomainParticipantFactory::get_instance()->type_object_registry();
    for (const xtypes::TypeIdentifier &identifier : {type_identifiers_.type_identifier1(), type_identifiers_.type_identifier2()}) {
      xtypes::TypeObject object;
      if (registry.get_type_object(identifier, object) == RETCODE_OK && object._d() == xtypes::EK_COMPLETE)
        registry.register_type_object("ShapeType", object.complete(), type_identifiers_);
    }
  }

 private:
  static void add(eprosima::fastdds::dds::DynamicTypeBuilder::_ref_type &shape, const char *name, eprosima::fastdds::dds::DynamicType::_ref_type type, bool key) {
    using namespace eprosima::fastdds::dds;
    MemberDescriptor::_ref_type member = traits<MemberDescriptor>::make_shared();
    member->name(name);
    member->type(type);
    member->is_key(key);
    shape->add_member(member);
  }
};
