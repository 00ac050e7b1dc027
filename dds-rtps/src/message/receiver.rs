//! Reading one message: where its submessages are, and what the INFO_* ones say of the others.

use dds_types::cdr::Endianness;
use smallvec::SmallVec;

use super::{
    Data, HEADER_SIZE, Header, HeaderExtension, InfoDestination, InfoReply, InfoReplyIp4, InfoSource,
    InfoTimestamp, MessageError, MessageErrorKind, Parts, SUBMESSAGE_HEADER_SIZE, Submessage, SubmessageId,
    data::{DATA_FLAG_NON_STANDARD, FRAG_FLAG_NON_STANDARD},
    element::{Cursor, LocatorList, ReplyLocators},
    submessage::read_fixed,
};
use crate::{
    structure::{GuidPrefix, Locator, ProtocolVersion, VendorId},
    time::Timestamp,
};

/// What holds for a submessage by the message's header and the INFO_* submessages before it (RTPS
/// 2.5 §8.3.4).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MessageContext {
    /// Who sent the submessage.
    pub source_prefix: GuidPrefix,
    /// Who made the sender.
    pub source_vendor: VendorId,
    /// The version that the sender speaks.
    pub source_version: ProtocolVersion,
    /// The participant that it is for; `None` for every one that gets it.
    pub destination_prefix: Option<GuidPrefix>,
    /// When the sample was written, by the sender's clock.
    pub timestamp: Option<Timestamp>,
    /// Where to answer one participant; empty for where the message came from.
    pub unicast_reply: ReplyLocators,
    /// Where to answer many.
    pub multicast_reply: ReplyLocators,
}

impl MessageContext {
    /// Whether the submessage is for the participant `prefix`.
    pub fn is_for(&self, prefix: GuidPrefix) -> bool {
        self.destination_prefix.is_none_or(|destination| destination == prefix)
    }
}

/// A submessage whose fields are not read yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RawSubmessage<'a> {
    /// Its kind.
    pub id: SubmessageId,
    /// The header's flags.
    pub flags: u8,
    /// Where in the datagram its header begins.
    pub offset: usize,
    /// What follows the header.
    pub body: &'a [u8],
}

impl<'a> RawSubmessage<'a> {
    /// The flag that all submessages share.
    pub(super) const FLAG_LITTLE_ENDIAN: u8 = 0x01;

    /// The byte order of its fields.
    pub const fn endianness(&self) -> Endianness {
        match self.flags & Self::FLAG_LITTLE_ENDIAN {
            0 => Endianness::Big,
            _ => Endianness::Little,
        }
    }

    /// Where in the datagram `body` begins.
    pub const fn body_offset(&self) -> usize {
        self.offset.saturating_add(SUBMESSAGE_HEADER_SIZE)
    }

    pub(super) const fn cursor(&self) -> Cursor<'a> {
        Cursor::new(self.body, self.endianness(), self.id)
    }

    /// Whether the payload is of a format outside the specification (RTPS 2.5 §9.4.5.4.1, flag N).
    pub(super) const fn is_non_standard(&self) -> bool {
        match self.id {
            SubmessageId::DATA => self.flags & DATA_FLAG_NON_STANDARD != 0,
            SubmessageId::DATA_FRAG => self.flags & FRAG_FLAG_NON_STANDARD != 0,
            _ => false,
        }
    }
}

/// Reads one datagram, submessage by submessage.
///
/// Call [`next_submessage`](Self::next_submessage) until it gives `None`. INFO_* submessages and
/// the header extension change the context and are not yielded, nor are PAD and unknown kinds.
/// After an error the rest of the message is invalid (RTPS 2.5 §8.3.4.1) and `None` follows; what
/// was yielded before stays valid.
#[derive(Clone, Debug)]
pub struct MessageReceiver<'a> {
    datagram: &'a [u8],
    elsewhere: Parts<'a>,
    /// How many parts were come by.
    parts_passed: usize,
    /// The payload of the submessage that was read last, if that lies elsewhere.
    part: &'a [u8],
    offset: usize,
    own_prefix: GuidPrefix,
    header: Header,
    context: MessageContext,
}

impl<'a> MessageReceiver<'a> {
    /// Reads the header of `datagram`. Submessages for participants other than `own_prefix` will be
    /// left out; with `GUIDPREFIX_UNKNOWN`, which no participant has, none will, and
    /// [`MessageContext::is_for`] tells.
    ///
    /// # Errors
    /// When the header is not that of an RTPS 2 message.
    pub fn new(datagram: &'a [u8], own_prefix: GuidPrefix) -> Result<Self, MessageError> {
        Self::in_parts(datagram, Parts::default(), own_prefix)
    }

    /// As [`new`](Self::new), of a message of which parts lie elsewhere.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn in_parts(
        datagram: &'a [u8],
        elsewhere: Parts<'a>,
        own_prefix: GuidPrefix,
    ) -> Result<Self, MessageError> {
        let header = Header::read(datagram)?;
        let context = MessageContext {
            source_prefix: header.guid_prefix,
            source_vendor: header.vendor_id,
            source_version: header.version,
            destination_prefix: None,
            timestamp: None,
            unicast_reply: SmallVec::new(),
            multicast_reply: SmallVec::new(),
        };
        Ok(Self {
            datagram,
            elsewhere,
            parts_passed: 0,
            part: &[],
            offset: HEADER_SIZE,
            own_prefix,
            header,
            context,
        })
    }

    /// The message's header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The next submessage for us and what holds for it; `None` at the message's end.
    ///
    /// # Errors
    /// When what follows is invalid; the message is at its end then.
    pub fn next_submessage(&mut self) -> Option<Result<(&MessageContext, Submessage<'a>), MessageError>> {
        let next = self.next_alone()?;
        Some(next.map(|submessage| (&self.context, submessage)))
    }

    /// What holds for the submessage that was yielded last.
    pub const fn context(&self) -> &MessageContext {
        &self.context
    }

    /// As [`next_submessage`](Self::next_submessage), without its [`context`](Self::context).
    ///
    /// # Errors
    /// As [`next_submessage`](Self::next_submessage).
    pub fn next_alone(&mut self) -> Option<Result<Submessage<'a>, MessageError>> {
        loop {
            let raw = match self.next_raw()? {
                Ok(raw) => raw,
                Err(error) => return Some(Err(error)),
            };
            match self.interpret(&raw) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(kind) => return Some(Err(self.stop(kind, raw.offset))),
            }
            match Submessage::read_with_part(&raw, self.part, self.context.source_vendor) {
                Ok(Submessage::Pad | Submessage::Unknown(_)) => {}
                Ok(_) if !self.is_for_us() => {}
                Ok(entity) => return Some(Ok(entity)),
                Err(kind) => return Some(Err(self.stop(kind, raw.offset))),
            }
        }
    }

    /// The next submessage, if it is a DATA for us and valid, as most are. `None` where something else comes, which
    /// [`next_alone`](Self::next_alone) yields then.
    pub fn next_data(&mut self) -> Option<Data<'a>> {
        loop {
            let before = (self.offset, self.parts_passed);
            match self.next_raw() {
                Some(Ok(raw))
                    if matches!(raw.id, SubmessageId::INFO_TS | SubmessageId::INFO_DST)
                        && self.interpret(&raw).is_ok() =>
                {
                    continue;
                }
                Some(Ok(raw))
                    if raw.id == SubmessageId::DATA && !raw.is_non_standard() && self.is_for_us() =>
                {
                    if let Ok(data) = Data::read(&raw, self.part, self.context.source_vendor) {
                        return Some(data);
                    }
                }
                _ => {}
            }
            (self.offset, self.parts_passed) = before;
            return None;
        }
    }

    fn is_for_us(&self) -> bool {
        self.own_prefix == GuidPrefix::UNKNOWN || self.context.is_for(self.own_prefix)
    }

    /// The next submessage of whatever kind, its fields not read; `None` at the message's end.
    ///
    /// # Errors
    /// When its header or length is invalid; the message is at its end then.
    #[inline]
    pub fn next_raw(&mut self) -> Option<Result<RawSubmessage<'a>, MessageError>> {
        let rest = self.datagram.get(self.offset..).filter(|rest| !rest.is_empty())?;
        let offset = self.offset;
        let Some((&[id, flags, a, b], after)) = rest.split_first_chunk() else {
            return Some(Err(self.stop(MessageErrorKind::NoSubmessageHeader, offset)));
        };
        let id = SubmessageId(id);
        let mut raw = RawSubmessage { id, flags, offset, body: after };
        let length = match raw.endianness() {
            Endianness::Big => u16::from_be_bytes([a, b]),
            Endianness::Little => u16::from_le_bytes([a, b]),
        };
        if !self.elsewhere.parts.is_empty() {
            return Some(self.next_in_parts(raw, length));
        }
        if length != 0 || !id.extends_to_end() {
            match after.get(..usize::from(length)) {
                Some(body) => raw.body = body,
                None => return Some(Err(self.stop(MessageErrorKind::SubmessageTooLong(id), offset))),
            }
        }
        self.offset = raw.body_offset().saturating_add(raw.body.len());
        Some(Ok(raw))
    }

    /// As [`next_raw`](Self::next_raw), of a submessage of that length whose payload may lie elsewhere; its body is what
    /// is left of the message. By itself, so that the usual way stays short.
    #[inline(never)]
    fn next_in_parts(
        &mut self,
        mut raw: RawSubmessage<'a>,
        length: u16,
    ) -> Result<RawSubmessage<'a>, MessageError> {
        let extends_to_end = length == 0 && raw.id.extends_to_end();
        let mut length = if extends_to_end { raw.body.len() } else { usize::from(length) };
        let mut part_at = None;
        self.part = &[];
        if let Some((at, part)) = self.elsewhere.get(self.parts_passed) {
            let own = if extends_to_end { Some(length) } else { length.checked_sub(part.len()) };
            let at = at.checked_sub(raw.body_offset());
            if let (Some(own), Some(at)) = (own, at)
                && at <= own
            {
                (length, part_at, self.part) = (own, Some(at), part);
                self.parts_passed = self.parts_passed.saturating_add(1);
            }
        }
        let Some(body) = raw.body.get(..length) else {
            return Err(self.stop(MessageErrorKind::SubmessageTooLong(raw.id), raw.offset));
        };
        self.offset = raw.body_offset().saturating_add(length);
        // What follows a part is padding.
        raw.body = part_at.and_then(|at| body.get(..at)).unwrap_or(body);
        Ok(raw)
    }

    /// Applies what is only for the receiver; says whether it was that.
    fn interpret(&mut self, raw: &RawSubmessage<'a>) -> Result<bool, MessageErrorKind> {
        let context = &mut self.context;
        match raw.id {
            SubmessageId::INFO_TS => {
                let timestamp = read_fixed::<InfoTimestamp>(raw)?.timestamp;
                context.timestamp = timestamp.filter(|timestamp| *timestamp != TIME_INVALID);
            }
            SubmessageId::INFO_DST => {
                let named = read_fixed::<InfoDestination>(raw)?.guid_prefix;
                context.destination_prefix = (named != GuidPrefix::UNKNOWN).then_some(named);
            }
            SubmessageId::INFO_SRC => {
                let info = read_fixed::<InfoSource>(raw)?;
                // §8.3.8.11.4: the source is another now; what was said of the former one is void.
                context.source_prefix = info.guid_prefix;
                context.source_vendor = info.vendor_id;
                context.source_version = info.version;
                context.timestamp = None;
                context.unicast_reply.clear();
                context.multicast_reply.clear();
            }
            SubmessageId::INFO_REPLY => {
                let info = read_fixed::<InfoReply>(raw)?;
                context.unicast_reply = info.unicast.into_locators();
                context.multicast_reply = info.multicast.map(LocatorList::into_locators).unwrap_or_default();
            }
            SubmessageId::INFO_REPLY_IP4 => {
                let info = read_fixed::<InfoReplyIp4>(raw)?;
                context.unicast_reply = SmallVec::from_slice(&[info.unicast.into()]);
                context.multicast_reply = info.multicast.into_iter().map(Locator::from).collect();
            }
            SubmessageId::HEADER_EXTENSION => {
                let announced = read_fixed::<HeaderExtension>(raw)?.message_length;
                if announced.is_some_and(|length| length as usize != self.datagram.len()) {
                    return Err(MessageErrorKind::MessageLength);
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn stop(&mut self, kind: MessageErrorKind, offset: usize) -> MessageError {
        self.offset = self.datagram.len();
        MessageError { kind, offset }
    }
}

/// `TIME_INVALID` (RTPS 2.5 §9.3.2.1), another way to say that there is no timestamp.
const TIME_INVALID: Timestamp = Timestamp::from_wire(u32::MAX, u32::MAX);
