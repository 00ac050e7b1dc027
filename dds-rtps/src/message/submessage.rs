//! The table of submessages, and what is generated from it.

use alloc::vec::Vec;

use dds_types::cdr::Endianness;

use super::{
    MessageErrorKind, SUBMESSAGE_HEADER_SIZE, SubmessageId,
    data::{Data, DataFrag},
    element::{ChangeCount, Cursor, GroupDigest, LocatorList, LocatorUdpV4, SubmessageElement, put_u16},
    number_set::{FragmentNumberSet, SequenceNumberSet},
    receiver::RawSubmessage,
};
use crate::{
    structure::{Count, EntityId, FragmentNumber, GuidPrefix, ProtocolVersion, SequenceNumber, VendorId},
    time::Timestamp,
};

/// A submessage that one row of the table describes; all but DATA and DATA_FRAG.
pub trait FixedSubmessage: Sized {
    /// Its id.
    const ID: SubmessageId;
    /// Reads the fields; the fields of later versions that may follow are skipped.
    #[doc(hidden)]
    fn read_body(cursor: &mut Cursor<'_>, flags: u8) -> Result<Self, MessageErrorKind>;
    /// Appends the fields.
    fn write_body(&self, out: &mut Vec<u8>, endianness: Endianness);
    /// How many bytes the fields take.
    fn body_size(&self) -> usize;
    /// The header's flags but the endianness flag.
    fn flags(&self) -> u8;
    /// The rule of RTPS 2.5 §8.3.8 that the values break, if any.
    fn violation(&self) -> Option<&'static str>;

    /// Appends the submessage with its header.
    fn write(&self, out: &mut Vec<u8>, endianness: Endianness) {
        let endianness_flag = match endianness {
            Endianness::Big => 0,
            Endianness::Little => RawSubmessage::FLAG_LITTLE_ENDIAN,
        };
        out.extend_from_slice(&[Self::ID.0, self.flags() | endianness_flag]);
        // The largest body is that of INFO_REPLY, which holds at most eight locators.
        put_u16(self.body_size() as u16, out, endianness);
        self.write_body(out, endianness);
    }

    /// How many bytes [`FixedSubmessage::write`] appends.
    fn size(&self) -> usize {
        self.body_size().saturating_add(SUBMESSAGE_HEADER_SIZE)
    }
}

/// One row of the table, for tests that go through all kinds.
#[derive(Clone, Copy, Debug)]
pub struct SubmessageRow {
    /// The id.
    pub id: SubmessageId,
    /// The standard's name.
    pub name: &'static str,
    /// Appends a submessage with header made from arbitrary numbers.
    #[cfg(any(test, feature = "test-support"))]
    #[doc(hidden)]
    pub generate: fn(&mut super::corpus::Seed, Endianness, &mut Vec<u8>),
    /// Generates one, writes and reads it, and says what differs.
    #[cfg(any(test, feature = "test-support"))]
    #[doc(hidden)]
    pub round_trip: fn(&mut super::corpus::Seed, Endianness) -> Result<(), alloc::string::String>,
}

/// Declares submessages. A row is
///
/// ```text
/// /// Documentation.
/// NAME Struct {
///     flags { /// Doc. field: MASK, … }             // bool fields that are flags of the header
///     fields { /// Doc. field: Element, … }         // always there, in this order
///     optional { /// Doc. field: Element, MASK == VALUE else ABSENT; … }
///                                  // there when (flags & MASK) == VALUE; flags gain VALUE when
///                                  // there and ABSENT when not; in this order, after `fields`
///     invalid_when { "rule": |it| condition, … }    // RTPS 2.5 §8.3.8's validity
/// }
/// ```
///
/// and yields `Struct`, its [`FixedSubmessage`] (read, write, size, flags, rules), a variant of
/// [`Submessage`], a row of [`SUBMESSAGES`], and a generator for property tests. `NAME` is a
/// constant of [`SubmessageId`].
macro_rules! submessages {
    ($(
        $(#[$doc:meta])*
        $id:ident $name:ident {
            flags { $($(#[$flag_doc:meta])* $flag:ident: $flag_mask:literal,)* }
            fields { $($(#[$field_doc:meta])* $field:ident: $field_type:ty,)* }
            optional { $($(#[$opt_doc:meta])* $opt:ident: $opt_type:ty, $mask:literal == $value:literal else $absent:literal;)* }
            invalid_when { $($rule:literal: |$it:ident| $broken:expr,)* }
        }
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, PartialEq, Eq, Debug)]
            pub struct $name {
                $($(#[$field_doc])* pub $field: $field_type,)*
                $($(#[$flag_doc])* pub $flag: bool,)*
                $($(#[$opt_doc])* pub $opt: Option<$opt_type>,)*
            }

            impl FixedSubmessage for $name {
                const ID: SubmessageId = SubmessageId::$id;

                fn read_body(cursor: &mut Cursor<'_>, flags: u8) -> Result<Self, MessageErrorKind> {
                    $(let $field = <$field_type>::read(cursor)?;)*
                    $(let $flag = flags & $flag_mask != 0;)*
                    $(let $opt = if flags & $mask == $value { Some(<$opt_type>::read(cursor)?) } else { None };)*
                    let _ = flags;
                    Ok(Self { $($field,)* $($flag,)* $($opt,)* })
                }

                fn write_body(&self, out: &mut Vec<u8>, endianness: Endianness) {
                    $(self.$field.write(out, endianness);)*
                    $(if let Some(value) = &self.$opt { value.write(out, endianness); })*
                }

                fn body_size(&self) -> usize {
                    let parts = [
                        $(self.$field.size(),)*
                        $(self.$opt.as_ref().map_or(0, SubmessageElement::size),)*
                    ];
                    parts.iter().fold(0, |sum: usize, part| sum.saturating_add(*part))
                }

                fn flags(&self) -> u8 {
                    0 $(| if self.$flag { $flag_mask } else { 0 })*
                        $(| if self.$opt.is_some() { $value } else { $absent })*
                }

                fn violation(&self) -> Option<&'static str> {
                    $({
                        let $it = self;
                        if $broken {
                            return Some($rule);
                        }
                    })*
                    None
                }
            }

            #[cfg(any(test, feature = "test-support"))]
            impl super::corpus::Generate for $name {
                fn generate(seed: &mut super::corpus::Seed) -> Self {
                    Self {
                        $($field: super::corpus::Generate::generate(seed),)*
                        $($flag: super::corpus::Generate::generate(seed),)*
                        $($opt: super::corpus::Generate::generate(seed),)*
                    }
                }
            }
        )*

        /// One submessage, as received.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum Submessage<'a> {
            /// A sample, or the end of an instance.
            Data(Data<'a>),
            /// Fragments of a sample.
            DataFrag(DataFrag<'a>),
            $($(#[$doc])* $name($name),)*
            /// Filler.
            Pad,
            /// A kind, or a form of a known kind, that we do not know; receivers skip it.
            Unknown(RawSubmessage<'a>),
        }

        impl<'a> Submessage<'a> {
            /// Reads the fields of `raw`, which came from a sender of `source_vendor`.
            ///
            /// # Errors
            /// When it is of a known kind and invalid (RTPS 2.5 §8.3.4.1 and §8.3.8).
            pub fn read(raw: &RawSubmessage<'a>, source_vendor: VendorId) -> Result<Self, MessageErrorKind> {
                Self::read_with_part(raw, &[], source_vendor)
            }

            /// As [`read`](Self::read), of one whose payload is in `part` if nothing of it is in the body.
            pub(super) fn read_with_part(
                raw: &RawSubmessage<'a>,
                part: &'a [u8],
                source_vendor: VendorId,
            ) -> Result<Self, MessageErrorKind> {
                match raw.id {
                    SubmessageId::DATA if !raw.is_non_standard() => {
                        Data::read(raw, part, source_vendor).map(Self::Data)
                    }
                    SubmessageId::DATA_FRAG if !raw.is_non_standard() => {
                        DataFrag::read(raw, part, source_vendor).map(Self::DataFrag)
                    }
                    $(SubmessageId::$id => read_fixed(raw).map(Self::$name),)*
                    SubmessageId::PAD => Ok(Self::Pad),
                    _ => Ok(Self::Unknown(*raw)),
                }
            }
        }

        /// All kinds that the table declares.
        pub const SUBMESSAGES: &[SubmessageRow] = &[$(SubmessageRow {
            id: SubmessageId::$id,
            name: stringify!($id),
            #[cfg(any(test, feature = "test-support"))]
            generate: super::corpus::write_generated::<$name>,
            #[cfg(any(test, feature = "test-support"))]
            round_trip: super::corpus::round_trip::<$name>,
        },)*];
    };
}

/// Reads a submessage of the kind that `raw` says it is.
pub(super) fn read_fixed<T: FixedSubmessage>(raw: &RawSubmessage<'_>) -> Result<T, MessageErrorKind> {
    let read = T::read_body(&mut raw.cursor(), raw.flags)?;
    match read.violation() {
        Some(rule) => Err(MessageErrorKind::Forbidden(raw.id, rule)),
        None => Ok(read),
    }
}

submessages! {
    /// What a reader has and lacks (RTPS 2.5 §8.3.8.1).
    ACKNACK AckNack {
        flags {
            /// No answer is needed.
            is_final: 0x02,
        }
        fields {
            /// The reader that says it.
            reader_id: EntityId,
            /// The writer that it is for.
            writer_id: EntityId,
            /// All below the base were received; the members are asked for. A base of 0 comes from
            /// readers that have heard nothing of the writer yet; it says no more than base 1 does.
            reader_sn_state: SequenceNumberSet,
            /// Goes up with every ACKNACK of the reader to the writer.
            count: Count,
        }
        optional {}
        invalid_when {
            // §9.4.2.6 wants a base of at least 1, but Cyclone DDS and Fast DDS send 0 with an
            // empty window as the first one after a match.
            "readerSNState.base is below 1": |it| {
                let base = it.reader_sn_state.base().0;
                base < 0 || (base == 0 && !it.reader_sn_state.is_empty())
            },
        }
    }

    /// What a writer holds (RTPS 2.5 §8.3.8.6).
    HEARTBEAT Heartbeat {
        flags {
            /// No answer is needed.
            is_final: 0x02,
            /// The writer is alive (manual liveliness by topic).
            is_liveliness: 0x04,
        }
        fields {
            /// Whom it is for; `ENTITYID_UNKNOWN` for every reader that matches the writer.
            reader_id: EntityId,
            /// The writer.
            writer_id: EntityId,
            /// The lowest number still held.
            first_sn: SequenceNumber,
            /// The highest number; one below `first_sn` when nothing is held.
            last_sn: SequenceNumber,
            /// Goes up with every new heartbeat of the writer.
            count: Count,
        }
        optional {
            /// The same for the whole publisher.
            group_info: HeartbeatGroupInfo, 0x08 == 0x08 else 0x00;
        }
        invalid_when {
            "firstSN is below 1": |it| it.first_sn.0 < 1,
            "lastSN is below 0": |it| it.last_sn.0 < 0,
            "lastSN is below firstSN - 1": |it| it.last_sn < it.first_sn.previous(),
            "a group sequence number is out of order": |it| it.group_info.as_ref().is_some_and(|group| {
                group.first_gsn.0 < 1
                    || group.last_gsn < group.first_gsn.previous()
                    || group.current_gsn < group.last_gsn
            }),
        }
    }

    /// Numbers that will never come (RTPS 2.5 §8.3.8.4).
    GAP Gap {
        flags {}
        fields {
            /// Whom it is for; `ENTITYID_UNKNOWN` for every reader that matches the writer.
            reader_id: EntityId,
            /// The writer.
            writer_id: EntityId,
            /// The first number that will not come; all up to the base of `gap_list`, exclusive, are.
            gap_start: SequenceNumber,
            /// Its members will not come either.
            gap_list: SequenceNumberSet,
        }
        optional {
            /// The same for the whole publisher.
            group_info: GapGroupInfo, 0x02 == 0x02 else 0x00;
            /// How many of the numbers a filter dropped.
            filtered_count: ChangeCount, 0x04 == 0x04 else 0x00;
        }
        invalid_when {
            "gapStart is below 1": |it| it.gap_start.0 < 1,
            "gapList.base is below 1": |it| it.gap_list.base().0 < 1,
            "a group sequence number is out of order": |it| it.group_info.as_ref().is_some_and(|group| {
                group.gap_start_gsn.0 < 1 || group.gap_end_gsn < group.gap_start_gsn.previous()
            }),
        }
    }

    /// The source timestamp of what follows, until the next one (RTPS 2.5 §8.3.8.9).
    INFO_TS InfoTimestamp {
        flags {}
        fields {}
        optional {
            /// `None` when what follows has none.
            timestamp: Timestamp, 0x02 == 0x00 else 0x02;
        }
        invalid_when {}
    }

    /// Who sent what follows, when it is not the message's sender (RTPS 2.5 §8.3.8.11).
    INFO_SRC InfoSource {
        flags {}
        fields {
            /// Nothing; for alignment.
            unused: u32,
            /// The version that the source speaks.
            version: ProtocolVersion,
            /// Who made the source.
            vendor_id: VendorId,
            /// The source.
            guid_prefix: GuidPrefix,
        }
        optional {}
        invalid_when {}
    }

    /// Whom what follows is for (RTPS 2.5 §8.3.8.7).
    INFO_DST InfoDestination {
        flags {}
        fields {
            /// The participant; `GUIDPREFIX_UNKNOWN` for all.
            guid_prefix: GuidPrefix,
        }
        optional {}
        invalid_when {}
    }

    /// Where to answer what follows (RTPS 2.5 §8.3.8.10).
    INFO_REPLY InfoReply {
        flags {}
        fields {
            /// Locators for answers to one.
            unicast: LocatorList,
        }
        optional {
            /// Locators for answers to many.
            multicast: LocatorList, 0x02 == 0x02 else 0x00;
        }
        invalid_when {}
    }

    /// Where to answer what follows, IPv4 only (RTPS 2.5 §9.4.5.14).
    INFO_REPLY_IP4 InfoReplyIp4 {
        flags {}
        fields {
            /// The locator for answers to one.
            unicast: LocatorUdpV4,
        }
        optional {
            /// The locator for answers to many.
            multicast: LocatorUdpV4, 0x02 == 0x02 else 0x00;
        }
        invalid_when {}
    }

    /// Which fragments a reader lacks (RTPS 2.5 §8.3.8.12).
    NACK_FRAG NackFrag {
        flags {}
        fields {
            /// The reader that says it.
            reader_id: EntityId,
            /// The writer that it is for.
            writer_id: EntityId,
            /// The sample.
            writer_sn: SequenceNumber,
            /// The members are asked for.
            fragment_number_state: FragmentNumberSet,
            /// Goes up with every NACK_FRAG of the reader to the writer.
            count: Count,
        }
        optional {}
        invalid_when {
            "writerSN is below 1": |it| it.writer_sn.0 < 1,
            "fragmentNumberState.base is 0": |it| it.fragment_number_state.base().0 == 0,
        }
    }

    /// Which fragments of a sample a writer has sent so far (RTPS 2.5 §8.3.8.5).
    HEARTBEAT_FRAG HeartbeatFrag {
        flags {}
        fields {
            /// Whom it is for; `ENTITYID_UNKNOWN` for every reader that matches the writer.
            reader_id: EntityId,
            /// The writer.
            writer_id: EntityId,
            /// The sample.
            writer_sn: SequenceNumber,
            /// The highest fragment that can be asked for.
            last_fragment_num: FragmentNumber,
            /// Goes up with every new HEARTBEAT_FRAG of the writer.
            count: Count,
        }
        optional {}
        invalid_when {
            "writerSN is below 1": |it| it.writer_sn.0 < 1,
            "lastFragmentNum is 0": |it| it.last_fragment_num.0 == 0,
        }
    }

    /// More of the message's header (RTPS 2.5 §8.3.7). The checksum, which UDP has already, and the
    /// parameters, of which none is assigned, follow and are skipped.
    HEADER_EXTENSION HeaderExtension {
        flags {}
        fields {}
        optional {
            /// The message's length in bytes, header included.
            message_length: u32, 0x02 == 0x02 else 0x00;
            /// When the message was sent, by the sender's clock.
            send_timestamp: Timestamp, 0x04 == 0x04 else 0x00;
            /// Four bytes for extensions of the header.
            u_extension: [u8; 4], 0x08 == 0x08 else 0x00;
            /// Eight bytes for extensions of the header.
            w_extension: [u8; 8], 0x10 == 0x10 else 0x00;
        }
        invalid_when {}
    }
}

/// The group fields of a HEARTBEAT (RTPS 2.5 §8.3.8.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeartbeatGroupInfo {
    /// The publisher's last group sequence number.
    pub current_gsn: SequenceNumber,
    /// The lowest group sequence number that the writer still holds.
    pub first_gsn: SequenceNumber,
    /// The highest group sequence number that the writer holds.
    pub last_gsn: SequenceNumber,
    /// The publisher's writers.
    pub writer_set: GroupDigest,
    /// The publisher's writers whose metadata is protected.
    pub secure_writer_set: GroupDigest,
}

/// The group fields of a GAP (RTPS 2.5 §8.3.8.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GapGroupInfo {
    /// The first group sequence number that will not come.
    pub gap_start_gsn: SequenceNumber,
    /// The last of those that follow it without a break.
    pub gap_end_gsn: SequenceNumber,
}

/// Declares elements that are other elements in a row.
macro_rules! compound_elements {
    ($($name:ident { $($field:ident),* })*) => {$(
        impl SubmessageElement for $name {
            fn read(cursor: &mut Cursor<'_>) -> Result<Self, MessageErrorKind> {
                $(let $field = SubmessageElement::read(cursor)?;)*
                Ok(Self { $($field),* })
            }
            fn write(&self, out: &mut Vec<u8>, endianness: Endianness) {
                $(self.$field.write(out, endianness);)*
            }
            fn size(&self) -> usize {
                let parts = [$(self.$field.size()),*];
                parts.iter().fold(0, |sum: usize, part| sum.saturating_add(*part))
            }
        }

        #[cfg(any(test, feature = "test-support"))]
        impl super::corpus::Generate for $name {
            fn generate(seed: &mut super::corpus::Seed) -> Self {
                Self { $($field: super::corpus::Generate::generate(seed)),* }
            }
        }
    )*};
}

compound_elements! {
    HeartbeatGroupInfo { current_gsn, first_gsn, last_gsn, writer_set, secure_writer_set }
    GapGroupInfo { gap_start_gsn, gap_end_gsn }
}
