//! `shape_main -S`.

use dds_core::{
    ContentFilteredTopic, DataReader, DomainParticipant, Subscriber, Topic,
    error::DdsResult,
    instance::InstanceHandle,
    qos::{AccessScope, DataReaderQos, Ownership, SubscriberQos, TimeBasedFilter},
    sample::{DataState, InstanceState, Sample, SampleValue},
};

use super::{
    ShapeType,
    app::{CommonQos, Pace},
    options::{Access, ShapeOptions, Traversal},
    say,
};

/// The readers.
pub(super) struct Eyes {
    subscriber: Subscriber,
    readers: Vec<DataReader<ShapeType>>,
}

impl Eyes {
    pub(super) fn new(
        participant: &DomainParticipant,
        topics: &[Topic<ShapeType>],
        options: &ShapeOptions,
    ) -> DdsResult<Self> {
        let common = CommonQos::new(options);
        let subscriber = participant.create_subscriber(SubscriberQos {
            partition: common.partition.clone(),
            presentation: options.presentation.clone(),
            ..SubscriberQos::default()
        })?;
        let default = DataReaderQos::default();
        let qos = DataReaderQos {
            reliability: common.reliability,
            durability: common.durability,
            history: common.history,
            deadline: common.deadline,
            ownership: Ownership(common.ownership),
            time_based_filter: options
                .time_filter
                .map_or(default.time_based_filter, |separation| TimeBasedFilter(separation.into())),
            data_representation: common.data_representation,
            ..default
        };
        // Nothing is shown before every reader can have its part of a set.
        let is_group = options.presentation.access_scope == AccessScope::Group;
        let access = is_group.then(|| subscriber.access()).transpose()?;
        let mut readers = Vec::new();
        for topic in topics {
            readers.push(match options.filter_expression() {
                None => {
                    say(format!("Create reader for topic: {}", topic.name()));
                    subscriber.create_reader(topic, qos.clone())?
                }
                Some(expression) => {
                    let filtered = filtered(topic, &expression)?;
                    say(format!("Create reader for topic: {}", filtered.name()));
                    subscriber.create_filtered_reader(&filtered, qos.clone())?
                }
            });
        }
        drop(access);
        Ok(Self { subscriber, readers })
    }

    pub(super) fn run(&self, options: &ShapeOptions, pace: &Pace) -> DdsResult<()> {
        let mut iterations = 0;
        while !pace.is_interrupted() && options.iterations.is_none_or(|last| iterations < last) {
            self.look(options, iterations)?;
            pace.pause(options.read_period)?;
            iterations += 1;
        }
        Ok(())
    }

    /// Prints the samples of all readers.
    fn look(&self, options: &ShapeOptions, iteration: u64) -> DdsResult<()> {
        if options.presentation.coherent_access {
            say(format!("Reading coherent sets, iteration {iteration}"));
        }
        if options.presentation.ordered_access {
            say(format!("Reading with ordered access, iteration {iteration}"));
        }
        let is_group = options.presentation.access_scope == AccessScope::Group;
        let access = (is_group || options.is_presented()).then(|| self.subscriber.access()).transpose()?;
        let across = is_group && options.presentation.ordered_access && options.access == Access::Take;
        if across && options.traversal == Traversal::Everything {
            // A reader is there once for each sample, in the order in which the samples were written.
            for reader in self.subscriber.datareaders(DataState::ANY)? {
                if let Some(reader) = reader.downcast() {
                    look(&reader, options)?;
                }
            }
        } else {
            for reader in &self.readers {
                // With access across topics samples may come one by one.
                while look(reader, options)? && is_group && options.access == Access::Take {}
            }
        }
        drop(access);
        Ok(())
    }
}

fn filtered(topic: &Topic<ShapeType>, expression: &str) -> DdsResult<ContentFilteredTopic<ShapeType>> {
    let name = format!("{}_filtered", topic.name());
    let filtered = topic.content_filtered(&name, expression, [""; 0]);
    filtered.inspect_err(|_| say("failed to create content filtered topic"))
}

/// Prints the samples that a reader has; whether there were any.
fn look(reader: &DataReader<ShapeType>, options: &ShapeOptions) -> DdsResult<bool> {
    if options.traversal == Traversal::Everything {
        let samples = match options.access {
            Access::Take => reader.take()?,
            Access::Read => reader.read()?,
        };
        print(reader, &samples);
        return Ok(!samples.is_empty());
    }
    let mut instance = InstanceHandle::NIL;
    let mut any = false;
    loop {
        let samples = match options.access {
            Access::Take => reader.take_next_instance(instance)?,
            Access::Read => reader.read_next_instance(instance)?,
        };
        let Some(first) = samples.first() else { return Ok(any) };
        any = true;
        instance = first.info().instance_handle;
        print(reader, &samples);
    }
}

fn print(reader: &DataReader<ShapeType>, samples: &[Sample<ShapeType>]) {
    let filtered = reader.content_filtered_topic();
    let topic = filtered.as_ref().map_or(reader.topic().name(), ContentFilteredTopic::name);
    for sample in samples {
        match (sample.value(), sample.info().instance_state) {
            (SampleValue::Data(shape), _) => say(shape.line(topic)),
            (SampleValue::Key(key), InstanceState::NotAliveNoWriters) => {
                say(format!("{topic:<10} {:<10} NOT_ALIVE_NO_WRITERS_INSTANCE_STATE", key.color));
            }
            (SampleValue::Key(key), InstanceState::NotAliveDisposed) => {
                say(format!("{topic:<10} {:<10} NOT_ALIVE_DISPOSED_INSTANCE_STATE", key.color));
            }
            // It ended and was written again meanwhile.
            (SampleValue::Key(_), InstanceState::Alive) => {}
        }
    }
}
