//! Whole systems of participants on a simulated network, in one thread and in virtual time.
//!
//! A [`Simulation`] has hosts, a network between them and a clock. Its participants are ordinary
//! [`DomainParticipant`](dds_core::DomainParticipant)s, run by the production engine; only sockets and
//! clocks are replaced. An hour of virtual time passes in the time that its events take to compute, and
//! equal seeds give equal runs, down to each byte and nanosecond ([`Simulation::trace_hash`]).
//!
//! - Conditions: [`NetworkConditions`] loses, delays, repeats and reorders datagrams;
//!   [`Simulation::partition`] cuts hosts off, [`Simulation::kill`] ends their processes.
//! - Time passes only in [`Simulation::run_for`], [`Simulation::run_until`] and
//!   [`Simulation::block_on`]. Blocking calls (`wait_matched`, `wait_for_data`, a `write` without room)
//!   could never end and are refused with an error that names the async form, which works with
//!   `block_on` and [`Simulation::spawn`]. Only a `WaitSet`, which belongs to no participant, cannot know
//!   better than to block the thread: use its `wait_async`.
//! - Listeners run where the engine calls them, within these calls.
//! - For a test's own sockets, such as a forger's, there is [`Simulation::socket`].
//!
//! ```
//! use std::time::Duration;
//! use dds_core::DdsType;
//! use dds_sim::{NetworkConditions, Simulation};
//!
//! #[derive(DdsType, Debug, PartialEq)]
//! struct Position { x: f64, y: f64 }
//!
//! # fn main() -> Result<(), dds_core::error::DdsError> {
//! let sim = Simulation::new(42).network(NetworkConditions::new().loss(0.2).reorder(0.1));
//! let (robot, console) = (sim.participant(0), sim.participant(0));
//! let writer = robot.topic::<Position>("Position")?.writer().reliable().keep_all().build()?;
//! let reader = console.topic::<Position>("Position")?.reader().reliable().keep_all().build()?;
//!
//! sim.block_on(writer.matched(1));
//! for step in 0..100 {
//!     sim.block_on(writer.write_async(&Position { x: f64::from(step), y: 0.0 }))?;
//!     sim.run_for(Duration::from_millis(10));
//! }
//! sim.block_on(writer.acknowledgments());
//! let samples = reader.take()?;
//! assert_eq!(samples.len(), 100, "nothing was lost; seed {}", sim.seed());
//!
//! let (here, there) = (sim.host_of(&robot).unwrap(), sim.host_of(&console).unwrap());
//! sim.partition(here, there);
//! assert!(sim.run_until(|| reader.matched_publications().is_empty(), Duration::from_secs(11)));
//! # Ok(())
//! # }
//! ```

mod conditions;
mod executor;
mod network;
mod random;
mod simulation;
mod statistics;
mod trace;

pub use conditions::NetworkConditions;
pub use executor::{Clock, Sleep, Task};
pub use network::{HostId, Received};
pub use simulation::{Simulation, Socket};
pub use statistics::NetworkStatistics;
