//! Samples that are lent: written where they are read, in shared memory.
//!
//! As iceoryx2's ends do, the sender copies the payload into the sample once, and the receiver looks at its
//! number.

use bytemuck::{Pod, Zeroable};
use dds_core::{DataReader, DataWriter, DdsType, LoanedSample, error::DdsResult, types::TopicType};

use crate::{
    Failure,
    options::Options,
    role::{Form, serve},
};

/// A sample that can be lent.
trait Plain: TopicType + Pod {
    fn number(&self) -> u64;
    fn fill(&mut self, number: u64, payload: &[u8]);
}

macro_rules! plain_samples {
    ($($Name:ident: $length:literal;)*) => {$(
        #[derive(DdsType, Clone, Copy, Pod, Zeroable)]
        #[dds(extensibility = "final")]
        #[repr(C)]
        struct $Name {
            sequence_number: u64,
            payload: [u8; $length],
        }

        impl Plain for $Name {
            fn number(&self) -> u64 {
                self.sequence_number
            }

            fn fill(&mut self, number: u64, payload: &[u8]) {
                self.sequence_number = number;
                self.payload.copy_from_slice(payload);
            }
        }
    )*};
}

plain_samples! {
    Plain64: 64;
    Plain1Ki: 1024;
    Plain16Ki: 16_384;
    Plain1Mi: 1_048_576;
}

/// Runs the end that `options` names.
pub fn run(options: &Options) -> Result<(), Failure> {
    match options.payload {
        64 => serve::<Lent<Plain64>>(options),
        1024 => serve::<Lent<Plain1Ki>>(options),
        16_384 => serve::<Lent<Plain16Ki>>(options),
        1_048_576 => serve::<Lent<Plain1Mi>>(options),
        other => Err(format!("no sample of {other} bytes is made to be lent").into()),
    }
}

struct Lent<T: Plain> {
    writer: DataWriter<T>,
    payload: Vec<u8>,
}

impl<T: Plain> Form for Lent<T> {
    type Data = T;
    type Seen = u64;
    const TOPICS: [&'static str; 2] = ["LentForth", "LentBack"];

    fn new(writer: DataWriter<T>, payload: usize) -> Self {
        Self { writer, payload: vec![0; payload] }
    }

    fn writer(&self) -> &DataWriter<T> {
        &self.writer
    }

    fn send(&mut self, number: u64) -> Result<(), Failure> {
        self.answer(&number)
    }

    fn answer(&self, number: &u64) -> Result<(), Failure> {
        let mut loan = self.writer.loan()?;
        loan.fill(*number, &self.payload);
        Ok(loan.write()?)
    }

    fn number(number: &u64) -> u64 {
        *number
    }

    fn take_all(reader: &DataReader<T>, take: &mut dyn FnMut(&u64)) -> DdsResult<()> {
        let samples = reader.select().take_loan()?;
        let number = |sample: LoanedSample<'_, T>| match sample.plain() {
            Some(plain) => Some(plain.number()),
            // Small ones are copied, and may lie anywhere.
            None => {
                sample.bytes().and_then(|bytes| Some(u64::from_le_bytes(*bytes.get(4..)?.first_chunk()?)))
            }
        };
        samples.iter().filter_map(number).for_each(|number| take(&number));
        Ok(())
    }
}
