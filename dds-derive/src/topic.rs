//! The implementation of `TopicType`, which calls the plain functions of `dds_types::payload`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Ident;

/// The implementation for a type called `name` in DDS, keyed if it has a `key` type.
pub fn implementation(ident: &Ident, name: &str, key: Option<&Ident>) -> TokenStream {
    let keys = match key {
        Some(key) => keyed(key),
        None => keyless(),
    };
    quote! {
        impl __dds::TopicType for #ident {
            fn type_name() -> __dds::TypeName {
                __dds::TypeName::Borrowed(#name)
            }

            fn serialize(
                &self,
                representation: __dds::DataRepresentationId,
                out: &mut __dds::Bytes,
            ) -> ::core::result::Result<(), __dds::EncodeError> {
                __dds::payload::serialize(self, representation, out)
            }

            fn deserialize(payload: &[u8]) -> ::core::result::Result<Self, __dds::DecodeError> {
                __dds::payload::deserialize(payload)
            }

            fn deserialize_over(
                &mut self,
                payload: &[u8],
            ) -> ::core::result::Result<(), __dds::DecodeError> {
                __dds::payload::deserialize_over(self, payload)
            }

            fn type_description() -> ::core::option::Option<&'static __dds::TypeDescription> {
                ::core::option::Option::Some(<Self as __dds::DdsType>::DESCRIPTION)
            }

            #keys
        }
    }
}

fn keyed(key: &Ident) -> TokenStream {
    quote! {
        type Key = #key;
        const HAS_KEY: bool = true;

        fn max_key_size() -> ::core::option::Option<usize> {
            __dds::payload::max_key_size::<Self>()
        }

        fn serialize_key(
            &self,
            representation: __dds::DataRepresentationId,
            out: &mut __dds::Bytes,
        ) -> ::core::result::Result<(), __dds::EncodeError> {
            __dds::payload::serialize_key(self, representation, out)
        }

        fn key(&self) -> Self::Key {
            __dds::DdsType::to_key(self)
        }

        fn write_canonical_key(
            &self,
            out: &mut __dds::Bytes,
        ) -> ::core::result::Result<(), __dds::EncodeError> {
            __dds::payload::write_canonical_key(self, out)
        }

        fn canonical_key_of(
            payload: &[u8],
            kind: __dds::PayloadKind,
            out: &mut __dds::Bytes,
        ) -> ::core::result::Result<(), __dds::DecodeError> {
            __dds::payload::canonical_key_of::<Self>(payload, kind, out)
        }

        fn key_from_canonical(canonical: &[u8]) -> ::core::result::Result<Self::Key, __dds::DecodeError> {
            __dds::payload::key_from_canonical::<Self>(canonical)
        }

        fn serialize_canonical_key_payload(
            canonical: &[u8],
            representation: __dds::DataRepresentationId,
            out: &mut __dds::Bytes,
        ) -> ::core::result::Result<(), __dds::DecodeError> {
            __dds::payload::serialize_canonical_key_payload::<Self>(canonical, representation, out)
        }
    }
}

fn keyless() -> TokenStream {
    quote! {
        type Key = ();
        const HAS_KEY: bool = false;

        fn max_key_size() -> ::core::option::Option<usize> {
            ::core::option::Option::Some(0)
        }

        fn serialize_key(
            &self,
            representation: __dds::DataRepresentationId,
            out: &mut __dds::Bytes,
        ) -> ::core::result::Result<(), __dds::EncodeError> {
            __dds::payload::serialize_no_key::<Self>(representation, out)
        }

        fn key(&self) -> Self::Key {}

        fn write_canonical_key(
            &self,
            _out: &mut __dds::Bytes,
        ) -> ::core::result::Result<(), __dds::EncodeError> {
            ::core::result::Result::Ok(())
        }

        fn canonical_key_of(
            _payload: &[u8],
            _kind: __dds::PayloadKind,
            _out: &mut __dds::Bytes,
        ) -> ::core::result::Result<(), __dds::DecodeError> {
            ::core::result::Result::Ok(())
        }

        fn key_from_canonical(_canonical: &[u8]) -> ::core::result::Result<Self::Key, __dds::DecodeError> {
            ::core::result::Result::Ok(())
        }

        fn serialize_canonical_key_payload(
            _canonical: &[u8],
            representation: __dds::DataRepresentationId,
            out: &mut __dds::Bytes,
        ) -> ::core::result::Result<(), __dds::DecodeError> {
            __dds::payload::serialize_no_key::<Self>(representation, out)
                .map_err(|error| __dds::DecodeErrorKind::NotEncodable(error.kind).into())
        }
    }
}
