//! Samples that are written where their readers read them.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::OnceLock,
};

use bytemuck::Pod;
use dds_rtps::{payload::PayloadBuffer, writer::LEAST_BY_REFERENCE};
use dds_types::{DataRepresentationId, TopicType};

use super::DataWriter;
use crate::{
    engine::WritableMemory,
    error::{DdsError, DdsResult},
};

/// Bytes before a sample in its payload.
const HEADER: usize = 4;
/// The header's place in memory: the sample then begins at a multiple of eight.
const BEFORE_HEADER: usize = 4;
const BODY: usize = BEFORE_HEADER + HEADER;

/// How a type whose memory is its encoding is encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PlainLayout {
    header: [u8; HEADER],
    padding: usize,
}

/// Of the two encodings that a reader may be sent, once somebody asked.
#[derive(Debug, Default)]
pub(crate) struct PlainLayouts(OnceLock<[Option<PlainLayout>; 2]>);

impl PlainLayouts {
    /// The sample in a payload, where it can be used as it is.
    pub(crate) fn view<'p, T: TopicType + Pod>(&self, payload: &'p [u8]) -> Option<&'p T> {
        let of = |representation| PlainLayout::of::<T>(representation);
        let layouts =
            self.0.get_or_init(|| [of(DataRepresentationId::XCDR), of(DataRepresentationId::XCDR2)]);
        layouts.iter().flatten().find_map(|layout| layout.view(payload))
    }
}

impl PlainLayout {
    /// `None` when the bytes of a `T` in memory are not those of its encoding.
    pub(crate) fn of<T: TopicType + Pod>(representation: DataRepresentationId) -> Option<Self> {
        let mut sample = bytemuck::zeroed_box::<T>();
        let mut layout = None;
        // All members are in a fixed place, and every byte is told from its neighbours: what comes out in the
        // same order is in the same place.
        for modulus in [251, 241] {
            for (at, byte) in bytemuck::bytes_of_mut(&mut *sample).iter_mut().enumerate() {
                *byte = (at % modulus) as u8;
            }
            let mut encoded = Vec::new();
            sample.serialize(representation, &mut encoded).ok()?;
            let body = encoded.get(HEADER..)?;
            let plain = bytemuck::bytes_of(&*sample);
            let padding = body.len().checked_sub(plain.len())?;
            if !body.starts_with(plain) || padding > 3 {
                return None;
            }
            layout = encoded.first_chunk().map(|header| Self { header: *header, padding });
        }
        layout
    }

    /// Writes what surrounds the sample in its memory.
    fn frame(self, bytes: &mut [u8]) {
        if self.padding > 0 {
            let end = bytes.len().saturating_sub(self.padding);
            if let Some(padding) = bytes.get_mut(end..) {
                padding.fill(0);
            }
        }
        if let Some(header) = bytes.get_mut(BEFORE_HEADER..BODY) {
            header.copy_from_slice(&self.header);
        }
    }

    /// The sample in a payload, if it is encoded so and lies well in memory.
    pub(crate) fn view<T: Pod>(self, payload: &[u8]) -> Option<&T> {
        let (header, body) = payload.split_first_chunk::<HEADER>()?;
        let is_of_it = header.first_chunk::<2>() == self.header.first_chunk::<2>();
        bytemuck::try_from_bytes(body.get(..size_of::<T>())?).ok().filter(|_| is_of_it)
    }
}

/// A sample that is filled in where readers in other processes of this host read it, so that writing it costs
/// the same whatever its size (DDS has no such operation for writers; the counterpart of reading by a loan,
/// DDS 1.4 §2.2.2.5.3.8). Where no memory is shared it is one like others, and so is a small one, which is sent by a
/// copy together with others.
///
/// From [`DataWriter::loan`]. Its content is arbitrary, such as that of a sample written before. Dropping it
/// without [writing](SampleLoan::write) it gives it up.
pub struct SampleLoan<T: TopicType + Pod> {
    writer: DataWriter<T>,
    place: Place<T>,
}

enum Place<T> {
    Shared {
        memory: Box<dyn WritableMemory>,
        length: usize,
    },
    /// As it will be sent: a small one, which leaves together with others by a copy.
    Serialized {
        buffer: PayloadBuffer,
    },
    Heap(Box<T>),
}

impl<T: TopicType + Pod> SampleLoan<T> {
    pub(super) fn new(writer: DataWriter<T>, layout: PlainLayout) -> Self {
        let length = HEADER + size_of::<T>() + layout.padding;
        let place = if length < LEAST_BY_REFERENCE {
            Self::small(&writer, layout, length)
        } else {
            writer.receive_pending();
            writer.allocate(BEFORE_HEADER + length).map(|mut memory| {
                layout.frame(memory.bytes_mut());
                Place::Shared { memory, length }
            })
        };
        Self { writer, place: place.unwrap_or_else(|| Place::Heap(bytemuck::zeroed_box())) }
    }

    fn small(writer: &DataWriter<T>, layout: PlainLayout, length: usize) -> Option<Place<T>> {
        let mut buffer = writer.checkout_filled(BEFORE_HEADER + length)?;
        let bytes = buffer.bytes_mut();
        layout.frame(bytes);
        // Allocators align better than they must.
        let lies_well = bytemuck::try_from_bytes::<T>(body::<T>(bytes)).is_ok();
        lies_well.then_some(Place::Serialized { buffer })
    }

    /// Writes the sample.
    ///
    /// # Errors
    /// As [`DataWriter::write`].
    pub fn write(self) -> DdsResult<()> {
        let mut key = Vec::new();
        if T::HAS_KEY {
            self.write_canonical_key(&mut key)?;
        }
        match self.place {
            Place::Heap(sample) => self.writer.write(&sample),
            Place::Shared { memory, length } => {
                let payload = memory.seal().into_part(BEFORE_HEADER, BEFORE_HEADER + length);
                self.writer.submit_payload(&key, payload)
            }
            // Of just that length.
            Place::Serialized { buffer } => {
                self.writer.submit_payload(&key, buffer.seal_from(BEFORE_HEADER as u32))
            }
        }
    }

    /// Whether it lies in memory that other processes can read.
    pub fn is_shared(&self) -> bool {
        matches!(self.place, Place::Shared { .. })
    }

    pub(super) fn not_plain() -> DdsError {
        DdsError::precondition(
            "loan",
            "a type whose bytes in memory are those of its encoding: members of fixed size without gaps \
             between them, and a host of the encoding's byte order",
        )
    }
}

/// A sample in the bytes of its memory.
fn body<T>(bytes: &[u8]) -> &[u8] {
    bytes.get(BODY..BODY + size_of::<T>()).unwrap_or_default()
}

fn body_mut<T>(bytes: &mut [u8]) -> &mut [u8] {
    bytes.get_mut(BODY..BODY + size_of::<T>()).unwrap_or_default()
}

impl<T: TopicType + Pod> Deref for SampleLoan<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.place {
            Place::Heap(sample) => sample,
            Place::Shared { memory, .. } => bytemuck::from_bytes(body::<T>(memory.bytes())),
            Place::Serialized { buffer } => bytemuck::from_bytes(body::<T>(buffer.bytes())),
        }
    }
}

impl<T: TopicType + Pod> DerefMut for SampleLoan<T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.place {
            Place::Heap(sample) => sample,
            Place::Shared { memory, .. } => bytemuck::from_bytes_mut(body_mut::<T>(memory.bytes_mut())),
            Place::Serialized { buffer } => bytemuck::from_bytes_mut(body_mut::<T>(buffer.bytes_mut())),
        }
    }
}

impl<T: TopicType + Pod> fmt::Debug for SampleLoan<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SampleLoan").field("is_shared", &self.is_shared()).finish_non_exhaustive()
    }
}
