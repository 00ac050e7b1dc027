//! `shape_main -P`.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

use dds_core::{
    DataWriter, DomainParticipant, Publisher, Topic,
    error::{DdsError, DdsResult},
    qos::{DataWriterQos, Lifespan, Ownership, OwnershipStrength, PublisherQos, WriterDataLifecycle},
};

use super::{
    ShapeType,
    app::{CommonQos, Pace},
    options::{FinalState, ShapeOptions},
    say,
};

/// How long the program waits for its last samples to be acknowledged.
const FAREWELL: Duration = Duration::from_secs(1);

/// Shapes on their way over the canvas, and the writers that tell of them.
pub(super) struct Shapes {
    publisher: Publisher,
    writers: Vec<DataWriter<ShapeType>>,
    colors: Vec<String>,
    shape: ShapeType,
    x: Motion,
    y: Motion,
}

impl Shapes {
    pub(super) fn new(
        participant: &DomainParticipant,
        topics: &[Topic<ShapeType>],
        options: &ShapeOptions,
    ) -> DdsResult<Self> {
        let common = CommonQos::new(options);
        let publisher = participant.create_publisher(PublisherQos {
            partition: common.partition.clone(),
            presentation: options.presentation.clone(),
            ..PublisherQos::default()
        })?;
        let qos = writer_qos(common, options);
        let mut writers = Vec::new();
        let color = options.colors().next().unwrap_or_default();
        for topic in topics {
            say(format!("Create writer for topic: {} color: {color}", topic.name()));
            writers.push(publisher.create_writer(topic, qos.clone())?);
        }
        Ok(Self {
            publisher,
            writers,
            colors: options.colors().collect(),
            shape: ShapeType {
                color,
                x: 0,
                y: 0,
                shapesize: options.shapesize,
                additional_payload_size: vec![255; options.payload_size],
            },
            x: Motion::random(240),
            y: Motion::random(270),
        })
    }

    pub(super) fn run(&mut self, options: &ShapeOptions, pace: &Pace) -> DdsResult<()> {
        // With presentation, every so many iterations make one coherent set.
        let in_set = match options.is_presented() {
            true => u64::from(options.coherent_sample_count),
            false => 0,
        };
        let mut iterations: u64 = 0;
        while !pace.is_interrupted() && options.iterations.is_none_or(|last| iterations < last) {
            self.advance(options);
            if in_set > 0 && iterations.is_multiple_of(in_set) {
                say("Started Coherent Set");
                self.publisher.begin_coherent_changes()?;
            }
            self.write_all(options, pace)?;
            if in_set > 0 && iterations % in_set == in_set - 1 {
                say("Finished Coherent Set");
                self.publisher.end_coherent_changes()?;
            }
            pace.pause(options.write_period)?;
            iterations += 1;
        }
        self.finish(options)
    }

    fn advance(&mut self, options: &ShapeOptions) {
        self.shape.x = self.x.advance();
        self.shape.y = self.y.advance();
        if options.shapesize == 0 {
            let size = self.shape.shapesize;
            self.shape.shapesize = match options.size_modulo {
                Some(modulo) => size % modulo + 1,
                None => size.checked_add(1).unwrap_or(1),
            };
        }
    }

    fn write_all(&mut self, options: &ShapeOptions, pace: &Pace) -> DdsResult<()> {
        for writer in &self.writers {
            for color in &self.colors {
                self.shape.color.clone_from(color);
                if write(writer, &self.shape, pace)? && options.prints_written {
                    say(self.shape.line(writer.topic().name()));
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self, options: &ShapeOptions) -> DdsResult<()> {
        for writer in &self.writers {
            for color in &self.colors {
                self.shape.color.clone_from(color);
                // An interrupt may come before an instance was ever written.
                if writer.lookup_instance(&self.shape)?.is_none() {
                    continue;
                }
                match options.final_state {
                    Some(FinalState::Unregister) => writer.unregister_instance(&self.shape)?,
                    Some(FinalState::Dispose) => writer.dispose(&self.shape)?,
                    None => {}
                }
            }
        }
        for writer in &self.writers {
            match writer.wait_for_acknowledgments(FAREWELL.into()) {
                Ok(()) | Err(DdsError::Timeout { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Writes a sample, however long a reader takes to make room; whether it was written before the
/// program was interrupted.
fn write(writer: &DataWriter<ShapeType>, shape: &ShapeType, pace: &Pace) -> DdsResult<bool> {
    loop {
        match writer.write(shape) {
            Ok(_) => return Ok(true),
            Err(DdsError::Timeout { .. }) if pace.is_interrupted() => return Ok(false),
            Err(DdsError::Timeout { .. }) => {}
            Err(error) => return Err(error),
        }
    }
}

fn writer_qos(common: CommonQos, options: &ShapeOptions) -> DataWriterQos {
    let default = DataWriterQos::default();
    DataWriterQos {
        reliability: common.reliability,
        durability: common.durability,
        history: common.history,
        deadline: common.deadline,
        ownership: Ownership(common.ownership),
        ownership_strength: OwnershipStrength(options.ownership_strength.unwrap_or(0)),
        lifespan: options.lifespan.map_or(default.lifespan, |lifespan| Lifespan(lifespan.into())),
        writer_data_lifecycle: WriterDataLifecycle {
            // What ends with its writer has no writers, as the suite expects it; it is not disposed of.
            autodispose_unregistered_instances: options.final_state == Some(FinalState::Dispose),
        },
        data_representation: common.data_representation,
        ..default
    }
}

/// One coordinate: it bounces between 0 and `limit`.
struct Motion {
    position: i32,
    velocity: i32,
    limit: i32,
}

impl Motion {
    fn random(limit: i32) -> Self {
        // Every state of this hasher has keys of its own, which are random enough for a drawing.
        let random = RandomState::new().build_hasher().finish();
        let below = |count: u64, shift: u32| i32::try_from((random >> shift) % count).unwrap_or(0);
        let speed = below(5, 0) + 1;
        Self {
            position: below(u64::from(limit.unsigned_abs()), 16),
            velocity: if below(2, 8) == 0 { speed } else { -speed },
            limit,
        }
    }

    fn advance(&mut self) -> i32 {
        let moved = self.position + self.velocity;
        self.position = moved.clamp(0, self.limit);
        if moved != self.position {
            self.velocity = -self.velocity;
        }
        self.position
    }
}
