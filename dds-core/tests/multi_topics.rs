//! Multi-topics (DDS 1.4 §2.2.2.3.4), whose topics are written by another participant.

mod common;

use common::{Domain, PATIENCE};
use dds_core::{
    DataWriter, DdsType, DomainParticipant, MultiTopic, MultiTopicReader, Topic,
    condition::WaitSet,
    error::{DdsError, DdsResult, ReturnCode},
    instance::InstanceHandle,
    qos::{DataReaderQos, DataWriterQos, History, Reliability},
    sample::{DataState, InstanceState, Sample, ViewState},
    status::StatusMask,
};

const DOMAIN: u32 = 97;

#[derive(DdsType, Clone, Debug, PartialEq)]
struct Location {
    #[dds(key)]
    flight: String,
    x: i32,
    z: i16,
    comment: Option<String>,
}

#[derive(DdsType, Clone, Debug, PartialEq)]
struct FlightPlan {
    #[dds(key)]
    flight: String,
    destination: String,
    airline: u32,
}

#[derive(DdsType, Clone, Debug, PartialEq)]
struct Airline {
    #[dds(key)]
    airline: u32,
    name: String,
}

/// What the example of DDS 1.4 Annex B selects, and a little more.
#[derive(DdsType, Clone, Debug, PartialEq)]
#[dds(extensibility = "appendable")]
struct Flight {
    #[dds(key)]
    flight: String,
    x: i32,
    /// Wider than what it comes from.
    height: i32,
    destination: String,
    comment: Option<String>,
}

const EXPRESSION: &str = "SELECT flight, x, z AS height, destination, comment FROM Location NATURAL JOIN \
                          'FlightPlan' WHERE height < %0 AND destination <> 'JFK';";

fn location(flight: &str, x: i32, z: i16) -> Location {
    Location { flight: flight.into(), x, z, comment: (x > 50).then(|| "far".into()) }
}

fn plan(flight: &str, destination: &str) -> FlightPlan {
    FlightPlan { flight: flight.into(), destination: destination.into(), airline: 7 }
}

struct Scene {
    participants: [DomainParticipant; 2],
    locations: Topic<Location>,
    plans: Topic<FlightPlan>,
}

impl Scene {
    fn new() -> Self {
        let domain = Domain::new(DOMAIN);
        let participants = [domain.participant(), domain.participant()];
        let locations = participants[1].topic("Location").unwrap();
        let plans = participants[1].topic("FlightPlan").unwrap();
        Self { participants, locations, plans }
    }

    fn flights(&self, expression: &str) -> DdsResult<MultiTopic<Flight>> {
        let builder = self.participants[1].multi_topic::<Flight>("Flights", expression);
        builder.topic(&self.plans).topic(&self.locations).parameters(["1000"]).build()
    }

    fn writer<T: dds_core::types::TopicType>(&self, name: &str) -> DataWriter<T> {
        let mut qos = DataWriterQos {
            reliability: Reliability::RELIABLE,
            history: History::KEEP_ALL,
            ..DataWriterQos::default()
        };
        qos.writer_data_lifecycle.autodispose_unregistered_instances = false;
        let writer = self.participants[0].topic::<T>(name).unwrap().writer().qos(qos).build().unwrap();
        writer.wait_matched(1, PATIENCE.into()).unwrap();
        writer
    }
}

fn reliable() -> DataReaderQos {
    DataReaderQos {
        reliability: Reliability::RELIABLE,
        history: History::KEEP_ALL,
        ..DataReaderQos::default()
    }
}

fn settle<T: dds_core::types::TopicType>(writer: &DataWriter<T>) {
    writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
}

fn data(samples: &[Sample<Flight>]) -> Vec<(&str, i32, i32, &str)> {
    let found = samples.iter().filter_map(Sample::data);
    found.map(|flight| (&*flight.flight, flight.x, flight.height, &*flight.destination)).collect()
}

fn reader(flights: &MultiTopic<Flight>) -> MultiTopicReader<Flight> {
    flights.reader(reliable()).unwrap()
}

#[test]
fn instances_that_agree_in_their_keys_are_joined_and_live_and_die_together() {
    let scene = Scene::new();
    let flights = scene.flights(EXPRESSION).unwrap();
    let reader = reader(&flights);
    let locations = scene.writer::<Location>("Location");
    let plans = scene.writer::<FlightPlan>("FlightPlan");
    locations.write(&location("AUA1", 10, 500)).unwrap();
    locations.write(&location("DLH2", 20, 600)).unwrap();
    settle(&locations);
    assert_eq!(reader.take().unwrap(), [], "no plan yet");

    plans.write(&plan("AUA1", "VIE")).unwrap();
    plans.write(&plan("DLH2", "JFK")).unwrap();
    reader.wait_for_data(PATIENCE.into()).unwrap();
    settle(&plans);
    let samples = reader.take().unwrap();
    assert_eq!(data(&samples), [("AUA1", 10, 500, "VIE")]);
    assert_eq!(samples[0].info().view_state, ViewState::New);
    assert_eq!(samples[0].data().unwrap().comment, None);

    // Either side makes a new sample; what WHERE refuses makes none.
    locations.write(&location("AUA1", 60, 400)).unwrap();
    locations.write(&location("AUA1", 61, 4000)).unwrap();
    settle(&locations);
    plans.write(&plan("AUA1", "GRZ")).unwrap();
    settle(&plans);
    let samples = reader.take().unwrap();
    assert_eq!(data(&samples), [("AUA1", 60, 400, "VIE")]);
    assert_eq!(samples[0].data().unwrap().comment.as_deref(), Some("far"));
    assert_eq!(samples[0].info().view_state, ViewState::NotNew);
    flights.set_expression_parameters(["5000"]).unwrap();
    plans.write(&plan("AUA1", "LNZ")).unwrap();
    settle(&plans);
    assert_eq!(data(&reader.take().unwrap()), [("AUA1", 61, 4000, "LNZ")]);

    plans.dispose(&plan("AUA1", "")).unwrap();
    settle(&plans);
    let ended = reader.take().unwrap();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].key(), FlightKey { flight: "AUA1".into() });
    assert_eq!(ended[0].info().instance_state, InstanceState::NotAliveDisposed);
    locations.write(&location("AUA1", 62, 300)).unwrap();
    settle(&locations);
    assert_eq!(reader.take().unwrap(), [], "a location without a plan");

    plans.write(&plan("AUA1", "INN")).unwrap();
    settle(&plans);
    let again = reader.read().unwrap();
    assert_eq!(data(&again), [("AUA1", 62, 300, "INN")]);
    assert_eq!(again[0].info().disposed_generation_count, 1);
    assert!(!reader.has_data(DataState::NOT_READ).unwrap());
    locations.unregister_instance(&location("AUA1", 0, 0)).unwrap();
    settle(&locations);
    let ended = reader.take_next_instance(InstanceHandle::NIL).unwrap();
    assert_eq!(ended.last().unwrap().info().instance_state, InstanceState::NotAliveNoWriters);
}

/// A flight of a name and its airline's: three topics, of which two have no key in common.
#[derive(DdsType, Clone, Debug, PartialEq)]
struct Assignment {
    #[dds(key)]
    flight: String,
    #[dds(key)]
    airline: u32,
}

#[derive(DdsType, Clone, Debug, PartialEq)]
struct Named {
    #[dds(key)]
    flight: String,
    #[dds(key)]
    airline: u32,
    name: String,
    x: i32,
}

#[test]
fn topics_may_meet_through_another() {
    let scene = Scene::new();
    let airlines = scene.participants[1].topic::<Airline>("Airline").unwrap();
    let assignments = scene.participants[1].topic::<Assignment>("Assignment").unwrap();
    let named = scene.participants[1]
        .multi_topic::<Named>(
            "Named",
            "SELECT * FROM Location NATURAL JOIN (Airline NATURAL JOIN Assignment)",
        )
        .topic(&scene.locations)
        .topic(&airlines)
        .topic(&assignments)
        .build()
        .unwrap();
    let reader = named.reader(reliable()).unwrap();
    let locations = scene.writer::<Location>("Location");
    let airlines = scene.writer::<Airline>("Airline");
    let assignments = scene.writer::<Assignment>("Assignment");
    locations.write(&location("F1", 1, 0)).unwrap();
    locations.write(&location("F2", 2, 0)).unwrap();
    for (airline, name) in [(7, "Austrian"), (8, "Lufthansa")] {
        airlines.write(&Airline { airline, name: name.into() }).unwrap();
    }
    settle(&locations);
    settle(&airlines);
    for (flight, airline) in [("F1", 7), ("F1", 8), ("F2", 8)] {
        assignments.write(&Assignment { flight: flight.into(), airline }).unwrap();
    }
    settle(&assignments);
    let seen = |samples: Vec<Sample<Named>>| -> Vec<(String, String, i32)> {
        let found = samples.iter().filter_map(Sample::data);
        let mut seen: Vec<_> = found.map(|it| (it.flight.clone(), it.name.clone(), it.x)).collect();
        seen.sort();
        seen
    };
    let row = |flight: &str, name: &str, x| (flight.to_owned(), name.to_owned(), x);
    let all = [row("F1", "Austrian", 1), row("F1", "Lufthansa", 1), row("F2", "Lufthansa", 2)];
    assert_eq!(seen(reader.take().unwrap()), all);
    airlines.write(&Airline { airline: 8, name: "LH".into() }).unwrap();
    settle(&airlines);
    assert_eq!(seen(reader.take().unwrap()), [row("F1", "LH", 1), row("F2", "LH", 2)]);
}

#[test]
fn what_cannot_be_joined_is_said() {
    let scene = Scene::new();
    let code = |expression: &str| scene.flights(expression).unwrap_err();
    let missing = "SELECT flight FROM Location NATURAL JOIN Airline";
    assert_eq!(
        code(missing).to_string(),
        "create_multitopic needs the topic «Airline», which its expression names; give it by topic()"
    );
    let unknown = "SELECT flite FROM Location NATURAL JOIN FlightPlan";
    assert_eq!(
        code(unknown).to_string(),
        "subscription expression selects `flite`, which none of its topics has"
    );
    let mismatch = "SELECT flight AS x FROM Location NATURAL JOIN FlightPlan";
    assert_eq!(code(mismatch).return_code(), ReturnCode::BadParameter);
    let condition = "SELECT flight FROM Location NATURAL JOIN FlightPlan WHERE hight < 3";
    let DdsError::Filter(error) = code(condition) else { panic!("it is a matter of the expression") };
    assert_eq!(error.column, 59);
    assert!(error.to_string().contains("did you mean `height`?"), "{error}");

    let airlines = scene.participants[1].topic::<Airline>("Airline").unwrap();
    let no_key = scene.participants[1]
        .multi_topic::<Flight>("Flights", "SELECT flight FROM Location NATURAL JOIN Airline")
        .topic(&airlines)
        .topic(&scene.locations)
        .build()
        .unwrap_err();
    assert_eq!(no_key.return_code(), ReturnCode::PreconditionNotMet);
    // One topic alone is no join, but a selection with other names.
    scene.flights("SELECT flight, z AS height FROM Location").unwrap();
}

#[test]
fn its_readers_keep_a_multi_topic() {
    let scene = Scene::new();
    let flights = scene.flights(EXPRESSION).unwrap();
    assert_eq!(flights.name(), "Flights");
    assert_eq!(flights.subscription_expression(), EXPRESSION);
    assert_eq!(flights.participant().guid(), scene.participants[1].guid());
    flights.set_expression_parameters(["5000"]).unwrap();
    assert_eq!(flights.expression_parameters(), ["5000"]);
    let reader = reader(&flights);
    drop(flights);
    assert_eq!(reader.topic().name(), "Flights");
    let (locations, plans) = (scene.writer::<Location>("Location"), scene.writer::<FlightPlan>("FlightPlan"));
    locations.write(&location("AUA1", 10, 500)).unwrap();
    plans.write(&plan("AUA1", "VIE")).unwrap();
    settle(&locations);
    settle(&plans);
    assert_eq!(data(&reader.take().unwrap()), [("AUA1", 10, 500, "VIE")]);
    drop(reader);
    // Its hidden readers went with it.
    let (set, condition) = (WaitSet::new(), locations.status_condition());
    condition.set_enabled_statuses(StatusMask::PUBLICATION_MATCHED);
    set.attach(condition);
    while locations.publication_matched_status().current_count > 0 {
        set.wait(PATIENCE.into()).unwrap();
    }
}
