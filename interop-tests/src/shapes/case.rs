//! What a case is: two programs or three, what they are started with, and what must be read from them.

use super::stage::Stage;
use crate::failure::Failure;

/// What a stack may lack, so that cases which need it are N/A.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// XCDR1.
    Xcdr1,
    /// XCDR2.
    Xcdr2,
    /// TRANSIENT as a kind of DURABILITY.
    Transient,
    /// PERSISTENT as a kind of DURABILITY.
    Persistent,
    /// DEADLINE statuses.
    Deadline,
    /// OWNERSHIP EXCLUSIVE by strength.
    Exclusive,
    /// `-c` of a subscriber.
    ColorFilter,
    /// `--cft`.
    SqlFilter,
    /// Sets of characters in the names of partitions, which the standard takes from fnmatch.
    PartitionSets,
    /// TIME_BASED_FILTER at the reader.
    TimeFilter,
    /// LIFESPAN: the writer announces it, the reader honours the writer's.
    Lifespan,
    /// PRESENTATION is compared.
    Presentation,
    /// `ordered_access` within one topic.
    OrderedTopic,
    /// `ordered_access` over several topics.
    OrderedGroup,
    /// Coherent sets of one writer.
    CoherentTopic,
    /// Coherent sets over several topics.
    CoherentGroup,
    /// DATA_REPRESENTATION is compared.
    RepresentationCompared,
    /// The reader of the stack shows that instances end.
    InstanceStates,
    /// Fragments of a size that is asked for.
    FragmentSize,
    /// A period of announcements that is asked for.
    AnnouncementPeriod,
}

/// What must be observed.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// Both sides report this policy's pair as incompatible, and nothing arrives.
    Incompatible,
    /// Both sides match, and samples arrive.
    Compatible,
    /// Something else, by a function that starts the programs too.
    Run(fn(&mut Stage<'_>) -> Result<String, Failure>),
}

/// A row of the tables.
#[derive(Debug, Clone)]
pub struct Case {
    /// The group on the page: what testers call it.
    pub group: &'static str,
    /// Name on the command line and in results: `group/what`.
    pub name: String,
    /// Whether the quick tier runs it against peers; own with own it always does.
    pub quick: bool,
    /// What the publisher is told.
    pub publisher: String,
    /// What the subscriber is told.
    pub subscriber: String,
    /// What both stacks need for it.
    pub needs: Vec<Feature>,
    /// What must be observed.
    pub check: Check,
}

impl Case {
    /// A case of a group, that the quick tier runs only between ours.
    pub fn new(group: &'static str, what: &str, check: Check) -> Self {
        Self {
            group,
            name: format!("{group}/{what}"),
            quick: false,
            publisher: String::new(),
            subscriber: String::new(),
            needs: Vec::new(),
            check,
        }
    }

    /// What the two are told.
    pub fn told(mut self, publisher: &str, subscriber: &str) -> Self {
        publisher.clone_into(&mut self.publisher);
        subscriber.clone_into(&mut self.subscriber);
        self
    }

    /// What both stacks need.
    pub fn needing(mut self, needs: &[Feature]) -> Self {
        self.needs.extend_from_slice(needs);
        self
    }

    /// Run in the quick tier against peers too.
    pub fn quickly(mut self) -> Self {
        self.quick = true;
        self
    }
}
