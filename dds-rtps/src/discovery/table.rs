//! Parameter lists from tables of fields.

use alloc::vec::Vec;

use dds_qos::Policy;
use dds_types::{
    DecodeError, RepresentationIdentifier, begin_payload,
    cdr::{CdrReader, Endianness, XcdrVersion},
    finish_payload,
    parameter_list::{Parameter, ParameterId, ParameterListReader, ParameterListWriter},
};

use super::{
    DiscoveryDataError, LARGEST_ANNOUNCEMENT,
    value::{ParameterValue, read_array},
};
use crate::{
    message::{DataPayload, InlineQos},
    structure::Guid,
};

/// Declares a kind of discovery data:
///
/// ```text
/// /// Documentation.
/// Struct {
///     key { PID }                                            // names the entity that is disposed of
///     fields { /// Doc. mode field: Type = default, PID; … } // in the order in which they are encoded
///     policies { /// Doc. qos: QosType }                     // a QoS set of dds-qos, or nothing
/// }
/// ```
///
/// and yields the struct, with a field `unknown` besides, its `encode`, `decode`, `encode_key` and
/// `disposed`. The modes are
///
/// | mode | field | read | written |
/// |---|---|---|---|
/// | `required` | `Type` | replaces; the default counts as absent, an error | always |
/// | `one` | `Type` | replaces | always |
/// | `maybe` | `Option<Type>` | sets | when there |
/// | `unless_empty` | `Type` | replaces | unless `is_empty()` |
/// | `many` | `Vec<Type>` | appends, up to 16 | each |
/// | `policy` | a policy of dds-qos, `PID` its own | replaces | unless empty |
///
/// Types of values implement [`ParameterValue`].
macro_rules! discovery_data {
    (@type maybe $type:ty) => { Option<$type> };
    (@type many $type:ty) => { Vec<$type> };
    (@type $mode:ident $type:ty) => { $type };

    (@read maybe $type:ty, $field:expr, $parameter:ident, $endianness:ident) => {
        $field = Some(table::read_value($parameter, $endianness)?)
    };
    (@read many $type:ty, $field:expr, $parameter:ident, $endianness:ident) => {{
        let value: $type = table::read_value($parameter, $endianness)?;
        if $field.len() < MOST_LOCATORS {
            $field.push(value);
        }
    }};
    (@read policy $type:ty, $field:expr, $parameter:ident, $endianness:ident) => {
        $field = dds_qos::read_value($parameter.value, $endianness)?
    };
    (@read $mode:ident $type:ty, $field:expr, $parameter:ident, $endianness:ident) => {
        $field = table::read_value($parameter, $endianness)?
    };

    (@write maybe $field:expr, $id:expr, $out:ident) => {
        if let Some(value) = &$field {
            $out.parameter($id, |out| value.write(out));
        }
    };
    (@write many $field:expr, $id:expr, $out:ident) => {
        for value in &$field {
            $out.parameter($id, |out| value.write(out));
        }
    };
    (@write unless_empty $field:expr, $id:expr, $out:ident) => {
        if !$field.is_empty() {
            $out.parameter($id, |out| $field.write(out));
        }
    };
    (@write policy $field:expr, $id:expr, $out:ident) => {
        dds_qos::write_parameter(&$field, &mut $out)
    };
    (@write $mode:ident $field:expr, $id:expr, $out:ident) => {
        $out.parameter($id, |out| $field.write(out))
    };

    (@check required $type:ty, $field:expr, $id:expr) => {
        if $field == <$type>::default() {
            return Err(DiscoveryDataError::Missing($id));
        }
    };
    (@check $mode:ident $type:ty, $field:expr, $id:expr) => {};

    ($(#[$doc:meta])* $name:ident {
        key { $key:expr }
        fields { $($(#[$field_doc:meta])* $mode:ident $field:ident: $type:ty = $default:expr, $id:expr;)* }
        policies { $($(#[$qos_doc:meta])* $qos:ident: $qos_type:ty)? }
    }) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Debug)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: discovery_data!(@type $mode $type),)*
            $($(#[$qos_doc])* pub $qos: $qos_type,)?
            /// Parameters that are not among the fields.
            pub unknown: UnknownParameters,
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($field: $default,)*
                    $($qos: <$qos_type>::default(),)?
                    unknown: UnknownParameters::default(),
                }
            }
        }

        impl $name {
            /// Appends it as a serialised payload: a parameter list, little endian unless it was
            /// decoded from a big endian one.
            ///
            /// # Errors
            /// When a value is longer than a parameter can be. It is left out, all others are there.
            pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
                let mark = dds_types::begin_payload(table::representation(self.unknown.endianness()), out);
                let mut list = ParameterListWriter::new(out, self.unknown.endianness());
                $(discovery_data!(@write $mode self.$field, $id, list);)*
                $(self.$qos.write_parameters(&mut list);)?
                self.unknown.iter().for_each(|parameter| list.raw(parameter));
                let written = list.finish();
                dds_types::finish_payload(mark, out);
                written.map(|_| ())
            }

            /// Reads a serialised payload that an implementation of `vendor` sent.
            ///
            /// # Errors
            /// When it is malformed, lacks what it must have, or holds what we must understand and
            /// do not.
            pub fn decode(payload: &[u8], vendor: VendorId) -> Result<Self, DiscoveryDataError> {
                let (mut list, endianness) = table::open(payload)?;
                let mut data = Self { unknown: UnknownParameters::new(endianness, vendor), ..Self::default() };
                while let Some(parameter) = list.next().map_err(DiscoveryDataError::List)? {
                    data.take(&parameter, endianness)?;
                }
                $(discovery_data!(@check $mode $type, data.$field, $id);)*
                data.complete()
            }

            fn take(&mut self, parameter: &Parameter<'_>, endianness: Endianness) -> Result<(), DiscoveryDataError> {
                let id = parameter.id;
                let taken = self.read_field(parameter, endianness);
                match taken.map_err(|error| DiscoveryDataError::Parameter { id, error })? {
                    dds_qos::Recognised::Yes => {}
                    dds_qos::Recognised::No if table::is_strength(id) => {}
                    dds_qos::Recognised::No if id.must_understand() => {
                        return Err(DiscoveryDataError::MustUnderstand(id));
                    }
                    dds_qos::Recognised::No => self.unknown.push(*parameter),
                }
                Ok(())
            }

            fn read_field(
                &mut self,
                parameter: &Parameter<'_>,
                endianness: Endianness,
            ) -> Result<dds_qos::Recognised, DecodeError> {
                $(if parameter.id == $id {
                    discovery_data!(@read $mode $type, self.$field, parameter, endianness);
                    return Ok(dds_qos::Recognised::Yes);
                })*
                $(return self.$qos.read_parameter(parameter.id, parameter.value, endianness);)?
                #[allow(unreachable_code, reason = "there are policies or there are none")]
                Ok(dds_qos::Recognised::No)
            }

            /// Appends the payload of the message that says that `key` is gone.
            pub fn encode_key(key: Guid, out: &mut Vec<u8>) {
                table::encode_key($key, key, out);
            }

            /// Which entity a message disposes of, by its payload or else by the key hash, which is
            /// the GUID. `None` when neither tells.
            pub fn disposed(payload: DataPayload<'_>, inline_qos: Option<&InlineQos<'_>>) -> Option<Guid> {
                table::disposed($key, payload, inline_qos)
            }
        }
    };
}

/// Whether this is OWNERSHIP_STRENGTH, which readers do not have. `SubscriptionQos` writes it all the
/// same, because RustDDS wants it; kept as unknown it would be written twice.
pub(super) fn is_strength(id: ParameterId) -> bool {
    dds_qos::OwnershipStrength::PARAMETER_ID == Some(id)
}

/// Finds the parameter list in a payload.
pub(super) fn open(payload: &[u8]) -> Result<(ParameterListReader<'_>, Endianness), DiscoveryDataError> {
    if payload.len() > LARGEST_ANNOUNCEMENT {
        return Err(DiscoveryDataError::TooLarge(payload.len()));
    }
    // The options are not heeded: nothing may follow the sentinel, and not all peers zero them.
    let mut reader = CdrReader::new(payload, Endianness::Little, XcdrVersion::Xcdr1);
    let [a, b, _, _] = read_array(&mut reader).map_err(DiscoveryDataError::List)?;
    let endianness = match RepresentationIdentifier([a, b]) {
        RepresentationIdentifier::PL_CDR_BE => Endianness::Big,
        RepresentationIdentifier::PL_CDR_LE => Endianness::Little,
        RepresentationIdentifier(other) => return Err(DiscoveryDataError::Representation(other)),
    };
    let body = reader.remaining();
    Ok((ParameterListReader::new(body, endianness), endianness))
}

pub(super) const fn representation(endianness: Endianness) -> RepresentationIdentifier {
    match endianness {
        Endianness::Big => RepresentationIdentifier::PL_CDR_BE,
        Endianness::Little => RepresentationIdentifier::PL_CDR_LE,
    }
}

/// Reads a parameter's value; what follows it is padding.
pub(super) fn read_value<T: ParameterValue>(
    parameter: &Parameter<'_>,
    endianness: Endianness,
) -> Result<T, DecodeError> {
    T::read(&mut CdrReader::new(parameter.value, endianness, XcdrVersion::Xcdr1))
}

pub(super) fn encode_key(id: ParameterId, key: Guid, out: &mut Vec<u8>) {
    let mark = begin_payload(representation(Endianness::Little), out);
    let mut list = ParameterListWriter::new(out, Endianness::Little);
    list.parameter(id, |out| key.write(out));
    // Sixteen bytes fit into every parameter.
    let _ = list.finish();
    finish_payload(mark, out);
}

pub(super) fn disposed(
    id: ParameterId,
    payload: DataPayload<'_>,
    inline_qos: Option<&InlineQos<'_>>,
) -> Option<Guid> {
    let by_payload = || {
        let (mut list, endianness) = open(payload.bytes()).ok()?;
        while let Some(parameter) = list.next().ok()? {
            if parameter.id == id {
                return read_value(&parameter, endianness).ok();
            }
        }
        None
    };
    by_payload().or_else(|| Some(Guid::from_bytes(inline_qos?.key_hash()?.0)))
}
