//! The cache against a naive model: plain vectors, searched from end to end.

use dds_qos::{DestinationOrder, DestinationOrderKind, History, Limit, Ownership, ResourceLimits};
use proptest::prelude::*;

use super::*;
use crate::{
    sample::{InstanceStateMask, SampleStateMask, ViewStateMask},
    status::SampleRejectedReason,
};

#[derive(Clone, Copy, Debug)]
struct Config {
    keep_last: Option<usize>,
    max_samples: usize,
    max_instances: usize,
    max_per_instance: usize,
    exclusive: bool,
    by_source: bool,
    order: CollectionOrder,
}

#[derive(Clone, Debug)]
enum Step {
    Offer { kind: ChangeKind, writer: u8, key: u8, age: u64 },
    Lose { writer: u8 },
    Access { take: bool, instance: u8, states: DataState, max_samples: usize },
    Pass { milliseconds: u64 },
}

#[derive(Clone, Debug)]
struct ModelSample {
    key: u8,
    writer: u8,
    number: i64,
    valid: bool,
    read: bool,
    written: u64,
    expiry: u64,
    disposed_generation: u32,
    no_writers_generation: u32,
}

impl ModelSample {
    fn order(&self) -> (u64, u8, i64) {
        (self.written, self.writer, self.number)
    }
}

#[derive(Clone, Debug)]
struct ModelInstance {
    key: u8,
    handle: u64,
    state: InstanceState,
    view: ViewState,
    disposed_generation: u32,
    no_writers_generation: u32,
    owner: Option<u8>,
    floor: Option<(u64, u8, i64)>,
}

/// What the model returns of a sample.
#[derive(Clone, PartialEq, Debug)]
struct Seen {
    key: u8,
    handle: u64,
    writer: u8,
    valid: bool,
    states: (SampleState, ViewState, InstanceState),
    generations: (u32, u32),
    ranks: (u32, u32, u32),
}

#[derive(Debug)]
struct Model {
    config: Config,
    samples: Vec<ModelSample>,
    instances: Vec<ModelInstance>,
    /// Which writer writes which key, the longest known first.
    registrations: Vec<(u8, u8)>,
    next_handle: u64,
}

const STRENGTHS: [i32; 4] = [0, 10, 20, 10];
const LIFESPANS: [u64; 4] = [0, u64::MAX, 40, 25];

impl Model {
    fn instance(&mut self, key: u8) -> &mut ModelInstance {
        self.instances.iter_mut().find(|instance| instance.key == key).unwrap()
    }

    fn samples_of(&self, key: u8) -> impl Iterator<Item = &ModelSample> {
        self.samples.iter().filter(move |sample| sample.key == key)
    }

    fn valid_of(&self, key: u8) -> usize {
        self.samples_of(key).filter(|sample| sample.valid).count()
    }

    fn valid(&self) -> usize {
        self.samples.iter().filter(|sample| sample.valid).count()
    }

    fn create(&mut self, key: u8) -> bool {
        if self.instances.len() >= self.config.max_instances {
            return false;
        }
        self.instances.push(ModelInstance {
            key,
            handle: self.next_handle,
            state: InstanceState::Alive,
            view: ViewState::New,
            disposed_generation: 0,
            no_writers_generation: 0,
            owner: None,
            floor: None,
        });
        self.next_handle += 1;
        true
    }

    fn known(&self, key: u8) -> bool {
        self.instances.iter().any(|instance| instance.key == key)
    }

    /// Strongest first, then the lower GUID.
    fn precedence(writer: u8) -> (i32, i16) {
        (STRENGTHS[writer as usize], -i16::from(writer))
    }

    fn claim(&mut self, key: u8, writer: u8) -> bool {
        let exclusive = self.config.exclusive;
        if !self.registrations.contains(&(writer, key)) {
            self.registrations.push((writer, key));
        }
        let instance = self.instance(key);
        if !exclusive {
            return true;
        }
        let wins = instance.owner.is_none_or(|owner| Self::precedence(writer) >= Self::precedence(owner));
        if wins {
            instance.owner = Some(writer);
        }
        wins
    }

    fn offer(
        &mut self,
        now: u64,
        kind: ChangeKind,
        writer: u8,
        key: u8,
        number: i64,
        written: u64,
    ) -> OfferOutcome {
        let dropped = OfferOutcome::Dropped;
        let rejected = |reason| OfferOutcome::Rejected { reason, instance: InstanceHandle::NIL };
        let mut sample = ModelSample {
            key,
            writer,
            number,
            valid: kind == ChangeKind::Alive,
            read: false,
            written,
            expiry: u64::MAX,
            disposed_generation: 0,
            no_writers_generation: 0,
        };
        if kind != ChangeKind::Alive {
            return self.offer_end(kind, sample);
        }
        let lifespan = LIFESPANS[writer as usize];
        let age = now.saturating_sub(written);
        if age >= lifespan {
            return dropped(DropReason::Expired);
        }
        sample.expiry = now.saturating_add(lifespan - age);
        if !self.known(key) {
            if self.valid() >= self.config.max_samples {
                return rejected(SampleRejectedReason::SamplesLimit);
            }
            if !self.create(key) {
                return rejected(SampleRejectedReason::InstancesLimit);
            }
        }
        if !self.claim(key, writer) {
            return dropped(DropReason::NotOwner);
        }
        let full = self.config.keep_last.is_some_and(|depth| self.valid_of(key) >= depth);
        if self.config.by_source {
            let floor = self.instance(key).floor;
            let oldest = self.samples_of(key).filter(|sample| sample.valid).map(ModelSample::order).min();
            if floor.is_some_and(|floor| sample.order() <= floor) || (full && oldest > Some(sample.order())) {
                return dropped(DropReason::OutOfOrder);
            }
        }
        if self.config.keep_last.is_none() && self.valid_of(key) >= self.config.max_per_instance {
            return rejected(SampleRejectedReason::SamplesPerInstanceLimit);
        }
        if !full && self.valid() >= self.config.max_samples {
            return rejected(SampleRejectedReason::SamplesLimit);
        }
        let instance = self.instance(key);
        match instance.state {
            InstanceState::Alive => {}
            InstanceState::NotAliveDisposed => instance.disposed_generation += 1,
            InstanceState::NotAliveNoWriters => instance.no_writers_generation += 1,
        }
        if instance.state != InstanceState::Alive {
            instance.state = InstanceState::Alive;
            instance.view = ViewState::New;
        }
        while self.config.keep_last.is_some_and(|depth| self.valid_of(key) >= depth) {
            let oldest = self.samples.iter().position(|sample| sample.key == key).unwrap();
            self.remove(oldest);
        }
        self.store(sample);
        OfferOutcome::Accepted
    }

    fn store(&mut self, mut sample: ModelSample) {
        let key = sample.key;
        let instance = self.instance(key);
        sample.disposed_generation = instance.disposed_generation;
        sample.no_writers_generation = instance.no_writers_generation;
        let mut index = self.samples.len();
        if self.config.by_source && sample.valid {
            let later =
                |other: &ModelSample| other.key == key && other.valid && other.order() > sample.order();
            index = self.samples.iter().position(later).unwrap_or(index);
        }
        self.samples.insert(index, sample);
    }

    fn offer_end(&mut self, kind: ChangeKind, sample: ModelSample) -> OfferOutcome {
        let (key, writer, order) = (sample.key, sample.writer, sample.order());
        if !self.known(key) {
            if !kind.is_disposed() {
                return OfferOutcome::Dropped(DropReason::UnknownInstance);
            }
            if !self.create(key) {
                let reason = SampleRejectedReason::InstancesLimit;
                return OfferOutcome::Rejected { reason, instance: InstanceHandle::NIL };
            }
        }
        let mut outcome = OfferOutcome::Dropped(DropReason::NoChange);
        if kind.is_disposed() {
            let later_written =
                self.samples_of(key).last().is_some_and(|last| last.valid && last.order() > order);
            let floor = self.instance(key).floor;
            if !self.claim(key, writer) {
                outcome = OfferOutcome::Dropped(DropReason::NotOwner);
            } else if self.config.by_source && (later_written || floor.is_some_and(|floor| order <= floor)) {
                outcome = OfferOutcome::Dropped(DropReason::OutOfOrder);
            } else {
                if self.config.by_source {
                    self.instance(key).floor = Some(order);
                }
                if self.instance(key).state != InstanceState::NotAliveDisposed {
                    self.end_life(InstanceState::NotAliveDisposed, sample.clone());
                    outcome = OfferOutcome::Accepted;
                }
            }
        }
        if kind.is_unregistered() && self.leave(key, writer, sample) && !kind.is_disposed() {
            outcome = OfferOutcome::Accepted;
        }
        self.forget();
        outcome
    }

    fn leave(&mut self, key: u8, writer: u8, sample: ModelSample) -> bool {
        if !self.registrations.contains(&(writer, key)) {
            return false;
        }
        self.registrations.retain(|registration| *registration != (writer, key));
        let writers: Vec<_> =
            self.registrations.iter().filter(|(_, other)| *other == key).map(|(writer, _)| *writer).collect();
        let instance = self.instance(key);
        if instance.owner == Some(writer) {
            instance.owner = writers.iter().copied().max_by_key(|writer| Self::precedence(*writer));
        }
        let orphaned = writers.is_empty() && instance.state == InstanceState::Alive;
        if orphaned {
            self.end_life(InstanceState::NotAliveNoWriters, sample);
        }
        orphaned
    }

    fn end_life(&mut self, state: InstanceState, sample: ModelSample) {
        let key = sample.key;
        let latest = self.samples_of(key).filter(|sample| sample.valid).map(ModelSample::order).max();
        if self.config.by_source {
            let instance = self.instance(key);
            instance.floor = instance.floor.max(latest);
        }
        self.instance(key).state = state;
        self.store(sample);
        while self.samples_of(key).count() - self.valid_of(key) > self.valid_of(key) + 1 {
            let oldest = self.samples.iter().position(|sample| sample.key == key && !sample.valid).unwrap();
            self.remove(oldest);
        }
    }

    fn lose(&mut self, now: u64, writer: u8) -> bool {
        let mut changed = false;
        for (_, key) in self.registrations.clone().into_iter().filter(|(other, _)| *other == writer) {
            let sample = ModelSample {
                key,
                writer,
                number: SequenceNumber::UNKNOWN.0,
                valid: false,
                read: false,
                written: now,
                expiry: u64::MAX,
                disposed_generation: 0,
                no_writers_generation: 0,
            };
            changed |= self.leave(key, writer, sample);
        }
        self.forget();
        changed
    }

    fn remove(&mut self, index: usize) -> ModelSample {
        let sample = self.samples.remove(index);
        if sample.valid && self.config.by_source {
            let instance = self.instance(sample.key);
            instance.floor = instance.floor.max(Some(sample.order()));
        }
        sample
    }

    fn forget(&mut self) {
        let Self { samples, registrations, .. } = self;
        self.instances.retain(|instance| {
            registrations.iter().any(|(_, key)| *key == instance.key)
                || samples.iter().any(|sample| sample.key == instance.key)
        });
    }

    fn pass(&mut self, now: u64) {
        while let Some(index) = self.samples.iter().position(|sample| sample.expiry <= now) {
            self.remove(index);
        }
        self.forget();
    }

    fn wanted(&self, sample: &ModelSample, states: DataState) -> bool {
        let instance = self.instances.iter().find(|instance| instance.key == sample.key).unwrap();
        let read = if sample.read { SampleState::Read } else { SampleState::NotRead };
        states.contains(read, instance.view, instance.state)
    }

    fn access(&mut self, take: bool, instance: InstanceSelector, states: DataState, max: usize) -> Vec<Seen> {
        let wanted = |key: Option<u8>| -> Vec<usize> {
            let of_key = |index: &usize| key.is_none_or(|key| self.samples[*index].key == key);
            (0..self.samples.len())
                .filter(of_key)
                .filter(|index| self.wanted(&self.samples[*index], states))
                .collect()
        };
        let mut picked = match instance {
            InstanceSelector::This(handle) => {
                let found = self.instances.iter().find(|instance| instance.handle == handle.to_raw());
                found.map_or(vec![], |instance| wanted(Some(instance.key)))
            }
            InstanceSelector::Next(handle) => {
                let mut later: Vec<_> =
                    self.instances.iter().filter(|instance| instance.handle > handle.to_raw()).collect();
                later.sort_by_key(|instance| instance.handle);
                let keys = later.iter().map(|instance| instance.key);
                keys.map(|key| wanted(Some(key))).find(|picked| !picked.is_empty()).unwrap_or_default()
            }
            InstanceSelector::All => {
                let mut picked = wanted(None);
                if self.config.order == CollectionOrder::ByInstance {
                    // By the first sample that may be wanted by its sample state.
                    let only_unread = !states.sample_states.contains(SampleState::Read);
                    picked.sort_by_key(|index| {
                        let key = self.samples[*index].key;
                        let first = |other: &ModelSample| other.key == key && !(only_unread && other.read);
                        self.samples.iter().position(first)
                    });
                }
                picked
            }
        };
        picked.truncate(max);
        let seen = (0..picked.len()).map(|position| self.describe(&picked, position)).collect();
        for index in &picked {
            let key = self.samples[*index].key;
            self.instance(key).view = ViewState::NotNew;
            self.samples[*index].read = true;
        }
        if take {
            picked.sort_unstable();
            for index in picked.into_iter().rev() {
                self.remove(index);
            }
            self.forget();
        }
        seen
    }

    fn describe(&self, picked: &[usize], position: usize) -> Seen {
        let sample = &self.samples[picked[position]];
        let instance = self.instances.iter().find(|instance| instance.key == sample.key).unwrap();
        let generation = |sample: &ModelSample| sample.disposed_generation + sample.no_writers_generation;
        let following: Vec<_> = picked[position + 1..]
            .iter()
            .map(|index| &self.samples[*index])
            .filter(|other| other.key == sample.key)
            .collect();
        let latest = following.last().copied().unwrap_or(sample);
        let current = instance.disposed_generation + instance.no_writers_generation;
        Seen {
            key: sample.key,
            handle: instance.handle,
            writer: sample.writer,
            valid: sample.valid,
            states: (
                if sample.read { SampleState::Read } else { SampleState::NotRead },
                instance.view,
                instance.state,
            ),
            generations: (sample.disposed_generation, sample.no_writers_generation),
            ranks: (
                following.len() as u32,
                generation(latest) - generation(sample),
                current - generation(sample),
            ),
        }
    }
}

fn seen(sample: &CachedSample) -> Seen {
    let info = &sample.info;
    Seen {
        // The only one there is, of those without keys.
        key: sample.payload.first().copied().unwrap_or(1),
        handle: info.instance_handle.to_raw(),
        writer: info.writer_guid.prefix.0[0],
        valid: info.valid_data,
        states: (info.sample_state, info.view_state, info.instance_state),
        generations: (info.disposed_generation_count, info.no_writers_generation_count),
        ranks: (info.sample_rank, info.generation_rank, info.absolute_generation_rank),
    }
}

fn qos(config: Config) -> DataReaderQos {
    let limit = |limit: usize| u32::try_from(limit).map_or(Limit::Unlimited, Limit::Finite);
    let order = if config.by_source {
        DestinationOrderKind::BySourceTimestamp
    } else {
        DestinationOrderKind::ByReceptionTimestamp
    };
    DataReaderQos::default()
        .history(config.keep_last.map_or(History::KEEP_ALL, |depth| History::keep_last(depth as u32)))
        .resource_limits(ResourceLimits {
            max_samples: limit(config.max_samples),
            max_instances: limit(config.max_instances),
            max_samples_per_instance: limit(config.max_per_instance),
        })
        .ownership(if config.exclusive { Ownership::EXCLUSIVE } else { Ownership::SHARED })
        .destination_order(DestinationOrder(order))
}

fn configs() -> impl Strategy<Value = Config> {
    let bound = |range: std::ops::Range<usize>| prop_oneof![Just(usize::MAX), range];
    let order = prop_oneof![Just(CollectionOrder::ByInstance), Just(CollectionOrder::ByArrival)];
    let history = prop::option::of(1usize..4);
    (history, bound(1..10), bound(1..4), bound(1..5), any::<bool>(), any::<bool>(), order).prop_map(
        |(keep_last, max_samples, max_instances, max_per_instance, exclusive, by_source, order)| Config {
            keep_last,
            max_samples,
            max_instances,
            max_per_instance,
            exclusive,
            by_source,
            order,
        },
    )
}

fn states() -> impl Strategy<Value = DataState> {
    let sample_states = [SampleStateMask::ANY, SampleStateMask::READ, SampleStateMask::NOT_READ];
    let view_states = [ViewStateMask::ANY, ViewStateMask::ANY, ViewStateMask::NEW, ViewStateMask::NOT_NEW];
    let instance_states = [
        InstanceStateMask::ANY,
        InstanceStateMask::ANY,
        InstanceStateMask::ALIVE,
        InstanceStateMask::NOT_ALIVE,
    ];
    (0usize..3, 0usize..4, 0usize..4).prop_map(move |(sample, view, instance)| DataState {
        sample_states: sample_states[sample],
        view_states: view_states[view],
        instance_states: instance_states[instance],
    })
}

/// Steps with this many keys, and how often everything is taken.
fn steps(keys: u8, take_all: u32) -> impl Strategy<Value = Vec<Step>> {
    let all = Step::Access { take: true, instance: 0, states: DataState::ANY, max_samples: usize::MAX };
    let kind = prop_oneof![
        6 + 2 * take_all => Just(ChangeKind::Alive),
        2 => Just(ChangeKind::NotAliveDisposed),
        1 => Just(ChangeKind::NotAliveUnregistered),
        1 => Just(ChangeKind::NotAliveDisposedUnregistered),
    ];
    let max = prop_oneof![3 => Just(usize::MAX), 1 => 1usize..4];
    let step = prop_oneof![
        8 => (kind, 1u8..4, 1..=keys, 0u64..30)
            .prop_map(|(kind, writer, key, age)| Step::Offer { kind, writer, key, age }),
        1 => (1u8..4).prop_map(|writer| Step::Lose { writer }),
        3 => (any::<bool>(), 0u8..12, states(), max)
            .prop_map(|(take, instance, states, max_samples)| Step::Access { take, instance, states, max_samples }),
        1 => (0u64..20).prop_map(|milliseconds| Step::Pass { milliseconds }),
        take_all => Just(all),
    ];
    prop::collection::vec(step, 1..120)
}

/// All, one of the first handles, or the one after it.
fn selector(instance: u8) -> InstanceSelector {
    match instance {
        0..=3 => InstanceSelector::All,
        4..=7 => InstanceSelector::This(InstanceHandle::from_raw(u64::from(instance - 3))),
        _ => InstanceSelector::Next(InstanceHandle::from_raw(u64::from(instance - 8))),
    }
}

fn all_states() -> impl Iterator<Item = DataState> {
    let states = StateCounts::SAMPLE_STATES.into_iter().flat_map(|sample| {
        StateCounts::VIEW_STATES.into_iter().flat_map(move |view| {
            StateCounts::INSTANCE_STATES.into_iter().map(move |instance| (sample, view, instance))
        })
    });
    states.map(|(sample, view, instance)| DataState {
        sample_states: sample.into(),
        view_states: view.into(),
        instance_states: instance.into(),
    })
}

fn run(config: Config, type_support: TypeSupport, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut bench = Bench::of(&qos(config), type_support);
    bench.cache.settings.order = config.order;
    for writer in 1..4u8 {
        let lifespan = match LIFESPANS[writer as usize] {
            u64::MAX => Duration::INFINITE,
            milliseconds => Duration::from_millis(milliseconds),
        };
        bench.matched(writer, STRENGTHS[writer as usize], lifespan);
    }
    let mut model =
        Model { config, samples: vec![], instances: vec![], registrations: vec![], next_handle: 1 };
    let mut now = 1_000;
    for step in steps {
        match step {
            Step::Offer { kind, writer, key, age } => {
                let change = bench.change(at(now - age), kind, writer, &[key, 0]);
                let number = change.sequence_number.0;
                let expected = model.offer(now, kind, writer, key, number, now - age);
                let is_kept = kind == ChangeKind::Alive && bench.keep_in_run(at(now), &change);
                let mut outcome =
                    if is_kept { OfferOutcome::Accepted } else { bench.cache.offer(at(now), &change) };
                if let OfferOutcome::Rejected { instance, .. } = &mut outcome {
                    *instance = InstanceHandle::NIL;
                }
                prop_assert_eq!(outcome, expected);
            }
            Step::Lose { writer } => {
                let changed = bench.cache.writer_not_alive(at(now), writer_guid(writer));
                prop_assert_eq!(changed, model.lose(now, writer));
            }
            Step::Access { take, instance, states, max_samples } => {
                // Where a sample sorted in late lies among those of other instances is open.
                let max_samples = if config.by_source { usize::MAX } else { max_samples };
                let selector = Selector {
                    instance: selector(instance),
                    states,
                    max_samples,
                    predicate: None,
                    order: None,
                };
                let returned = if take { bench.take_by(&selector) } else { bench.read_by(&selector) };
                let mut returned: Vec<_> = returned.iter().map(seen).collect();
                let mut expected = model.access(take, selector.instance, states, max_samples);
                if config.by_source {
                    returned.sort_by_key(|sample| sample.handle);
                    expected.sort_by_key(|sample| sample.handle);
                }
                prop_assert_eq!(returned, expected);
            }
            Step::Pass { milliseconds } => {
                now += milliseconds;
                model.pass(now);
                bench.expire(at(now));
            }
        }
        prop_assert_eq!(bench.cache.len(), model.samples.len());
        prop_assert_eq!(bench.cache.instance_count(), model.instances.len());
        let next = model.samples.iter().map(|sample| sample.expiry).min().unwrap_or(u64::MAX);
        let next = if next == u64::MAX { Monotonic::NEVER } else { at(next).monotonic };
        prop_assert_eq!(bench.cache.next_timeout(), next);
        for states in all_states() {
            let some = model.samples.iter().any(|sample| model.wanted(sample, states));
            prop_assert_eq!(bench.cache.has_data(states), some);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Outcomes, collections, ranks, states, counts and timers agree with the model after every step.
    #[test]
    fn the_cache_behaves_as_the_model(config in configs(), steps in steps(4, 1)) {
        run(config, KEYED, steps)?;
    }

    /// The same where one instance is all there is, which need not be linked.
    #[test]
    fn the_cache_of_one_instance_behaves_as_the_model(config in configs(), steps in steps(1, 3)) {
        run(config, KEYED, steps)?;
    }

    /// The same of a type without a key, whose samples are kept in runs where they can be.
    #[test]
    fn the_cache_of_runs_behaves_as_the_model(config in configs(), steps in steps(1, 3)) {
        run(config, KEYLESS, steps)?;
    }
}
