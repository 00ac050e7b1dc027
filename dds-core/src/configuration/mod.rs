//! Configuration from a file and the environment (feature `config`).
//!
//! [`Configuration::load`] takes, from weakest to strongest:
//!
//! 1. the defaults of [`ParticipantConfig`];
//! 2. the TOML or JSON file that the environment variable `DDS_CONFIG` names, if it is set;
//! 3. environment variables, one for each key: `DDS_` and the key in capitals, with `_` for `.`;
//!
//! and what a program then sets itself prevails. [`KEYS`] is the table of keys; `docs/configuration.md` is
//! made from it. A key that does not exist is an error that names the nearest, and so is a variable that
//! differs from one of these by no more than two letters. Other variables that begin with `DDS_` may belong
//! to others; they are listed as ignored.
//!
//! The effective configuration says where each value is from, as a file that can be loaded again:
//!
//! ```text
//! lease_duration = "5s"  # robot.toml:3:18
//! transport.multicast = false  # DDS_TRANSPORT_MULTICAST
//! transport.multicast_ttl = 1  # default
//! ```

mod error;
mod keys;
mod value;

pub use error::ConfigurationError;
pub use keys::{ConfigurationKey, KEYS};

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use dds_qos::{
    DataReaderQos, DataWriterQos, DomainParticipantQos, PublisherQos, SubscriberQos, TopicQos,
    profiles::{
        EntityKind, ProfileError, Profiles, Suggestion,
        settings::{self, Node, NodeValue, Position},
    },
};

use crate::{DomainParticipant, ParticipantBuilder, ParticipantConfig};

/// What every variable of the environment begins with.
const PREFIX: &str = "DDS_";

/// The variable that names the file.
const FILE_VARIABLE: &str = "DDS_CONFIG";

/// How many letters a variable may differ from a known one and still be taken for a slip.
const SLIP: usize = 2;

/// Where a value is from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Nothing was said.
    Default,
    /// The file, at this line and column.
    File(PathBuf, usize, usize),
    /// The environment variable of this name.
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line, column) => write!(f, "{}:{line}:{column}", path.display()),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

/// What the keys set.
#[derive(Clone, Default)]
struct Settings {
    domain: u32,
    participant: ParticipantConfig,
    qos_file: Option<PathBuf>,
    qos_profile: Option<String>,
}

/// A configuration with the origin of each value.
#[derive(Clone)]
pub struct Configuration {
    settings: Settings,
    /// In the order of [`KEYS`].
    origins: Vec<Origin>,
    ignored: Vec<String>,
    profiles: Option<Profiles>,
    participant_qos: DomainParticipantQos,
}

impl Configuration {
    /// The configuration of this process: the file that `DDS_CONFIG` names and the environment.
    ///
    /// # Errors
    /// A file that cannot be read, an unknown key, a value of the wrong type or out of range; each with the
    /// line or variable. Wrong QoS profiles, and a profile that is not there.
    pub fn load() -> Result<Self, ConfigurationError> {
        Self::from_sources(None, environment())
    }

    /// As [`load`](Self::load), with this file instead of the one that `DDS_CONFIG` names.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_file(path: impl AsRef<Path>) -> Result<Self, ConfigurationError> {
        Self::from_sources(Some(path.as_ref()), environment())
    }

    /// The configuration of this file and these variables, whatever the environment has.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn from_sources<N: Into<OsString>, V: Into<OsString>>(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, ConfigurationError> {
        let mut configuration = Self {
            settings: Settings::default(),
            origins: vec![Origin::Default; KEYS.len()],
            ignored: Vec::new(),
            profiles: None,
            participant_qos: DomainParticipantQos::default(),
        };
        let variables = own_variables(variables)?;
        let named = variables.iter().find(|(name, _)| name == FILE_VARIABLE);
        match (file, named) {
            (Some(file), _) => configuration.read_file(file)?,
            (None, Some((_, file))) => configuration.read_file(Path::new(file))?,
            (None, None) => {}
        }
        for (name, value) in variables.into_iter().filter(|(name, _)| name != FILE_VARIABLE) {
            configuration.read_variable(name, value)?;
        }
        configuration.read_profiles()?;
        Ok(configuration)
    }

    /// The domain, key `domain`.
    pub fn domain_id(&self) -> u32 {
        self.settings.domain
    }

    /// What a participant is made with.
    pub fn participant(&self) -> &ParticipantConfig {
        &self.settings.participant
    }

    /// The profiles of the file that key `qos.file` names.
    pub fn profiles(&self) -> Option<&Profiles> {
        self.profiles.as_ref()
    }

    /// The profile that key `qos.profile` names, else the file's own default for this kind of entity.
    pub fn profile_for(&self, entity: EntityKind) -> Option<&str> {
        let named = self.settings.qos_profile.as_deref();
        named.or_else(|| self.profiles.as_ref()?.default_for(entity))
    }

    /// Begins a participant in this domain, with this configuration and the QoS of its profile. What is set
    /// on the builder prevails.
    pub fn participant_builder(&self) -> ParticipantBuilder {
        DomainParticipant::builder(self.settings.domain)
            .config(self.settings.participant.clone())
            .qos(self.participant_qos.clone())
    }

    /// QoS of a writer of a topic, by its profile if there is one.
    ///
    /// # Errors
    /// No such profile, or its policies contradict each other.
    pub fn writer_qos(&self, topic: &str) -> Result<DataWriterQos, ConfigurationError> {
        self.qos(EntityKind::DataWriter, |profiles, name| profiles.writer_qos(name, topic))
    }

    /// QoS of a reader of a topic, by its profile if there is one.
    ///
    /// # Errors
    /// As [`writer_qos`](Self::writer_qos).
    pub fn reader_qos(&self, topic: &str) -> Result<DataReaderQos, ConfigurationError> {
        self.qos(EntityKind::DataReader, |profiles, name| profiles.reader_qos(name, topic))
    }

    /// QoS of a topic, by its profile if there is one.
    ///
    /// # Errors
    /// As [`writer_qos`](Self::writer_qos).
    pub fn topic_qos(&self, topic: &str) -> Result<TopicQos, ConfigurationError> {
        self.qos(EntityKind::Topic, |profiles, name| profiles.topic_qos(name, topic))
    }

    /// QoS of a publisher, by its profile if there is one; of one that writes a single topic the profile's
    /// rules for that topic apply too.
    ///
    /// # Errors
    /// No such profile.
    pub fn publisher_qos(&self, topic: Option<&str>) -> Result<PublisherQos, ConfigurationError> {
        self.qos(EntityKind::Publisher, |profiles, name| profiles.publisher_qos(name, topic))
    }

    /// As [`publisher_qos`](Self::publisher_qos), of a subscriber.
    ///
    /// # Errors
    /// No such profile.
    pub fn subscriber_qos(&self, topic: Option<&str>) -> Result<SubscriberQos, ConfigurationError> {
        self.qos(EntityKind::Subscriber, |profiles, name| profiles.subscriber_qos(name, topic))
    }

    /// QoS of a participant, by its profile if there is one.
    ///
    /// # Errors
    /// No such profile.
    pub fn participant_qos(&self) -> Result<DomainParticipantQos, ConfigurationError> {
        self.qos(EntityKind::DomainParticipant, Profiles::participant_qos)
    }

    fn qos<Q: Default>(
        &self,
        entity: EntityKind,
        resolve: impl FnOnce(&Profiles, &str) -> Result<Q, ProfileError>,
    ) -> Result<Q, ConfigurationError> {
        let Some(name) = self.profile_for(entity) else { return Ok(Q::default()) };
        let Some(profiles) = &self.profiles else {
            return Err(ConfigurationError::NoProfiles { profile: name.to_string() });
        };
        let in_file = |error: ProfileError| match &self.settings.qos_file {
            Some(file) => error.in_file(file),
            None => error,
        };
        Ok(resolve(profiles, name).map_err(in_file)?)
    }

    /// Where the value of this key is from; `None` if there is no such key.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        let index = KEYS.iter().position(|known| known.key == key)?;
        self.origins.get(index)
    }

    /// Variables that begin with `DDS_` and are none of these keys.
    pub fn ignored_variables(&self) -> &[String] {
        &self.ignored
    }

    fn read_file(&mut self, path: &Path) -> Result<(), ConfigurationError> {
        let root = settings::from_path(path)?;
        self.read_table(&root, "", path).map_err(|error| error.in_file(path))?;
        // A file is moved together with the profiles it names.
        if let (Some(profiles), Some(directory)) = (&mut self.settings.qos_file, path.parent()) {
            *profiles = directory.join(&*profiles);
        }
        Ok(())
    }

    /// A table whose keys begin with `prefix`. As deep as the keys are.
    fn read_table(&mut self, table: &Node, prefix: &str, path: &Path) -> Result<(), ProfileError> {
        for (key, value) in table.table()? {
            let name = format!("{prefix}{}", key.name);
            let section = format!("{name}.");
            if let Some(index) = KEYS.iter().position(|known| known.key == name) {
                (KEYS[index].set)(&mut self.settings, value)?;
                let (line, column) = value.position.line_and_column().unwrap_or_default();
                self.origins[index] = Origin::File(path.to_path_buf(), line, column);
            } else if KEYS.iter().any(|known| known.key.starts_with(&section)) {
                self.read_table(value, &section, path)?;
            } else {
                return Err(key.unknown(names_below(prefix)));
            }
        }
        Ok(())
    }

    fn read_variable(&mut self, name: String, value: String) -> Result<(), ConfigurationError> {
        let Some(index) = KEYS.iter().position(|known| known.variable() == name) else {
            let known: Vec<String> = KEYS.iter().map(ConfigurationKey::variable).collect();
            let known = known.iter().map(String::as_str).chain([FILE_VARIABLE]);
            let suggestion = Suggestion::new(&name, known);
            if suggestion.edits().is_some_and(|edits| edits <= SLIP) {
                return Err(ConfigurationError::UnknownVariable(suggestion));
            }
            self.ignored.push(name);
            return Ok(());
        };
        let node = Node { position: Position::NONE, value: NodeValue::Untyped(value.trim().to_string()) };
        let set = (KEYS[index].set)(&mut self.settings, &node);
        set.map_err(|error| ConfigurationError::Variable { name: name.clone(), cause: error.kind })?;
        self.origins[index] = Origin::Variable(name);
        Ok(())
    }

    /// Mistakes in profiles show when the program starts, not when the first writer is made.
    fn read_profiles(&mut self) -> Result<(), ConfigurationError> {
        if let Some(file) = &self.settings.qos_file {
            self.profiles = Some(Profiles::from_path(file)?);
        }
        self.participant_qos = self.participant_qos()?;
        Ok(())
    }
}

/// What a table may have whose keys begin with `prefix`: keys, and tables of longer ones.
fn names_below(prefix: &str) -> BTreeSet<&'static str> {
    let rests = KEYS.iter().filter_map(|known| known.key.strip_prefix(prefix));
    rests.map(|rest| rest.split('.').next().unwrap_or(rest)).collect()
}

impl fmt::Display for Configuration {
    /// The effective configuration as TOML, with origins as comments.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, origin) in KEYS.iter().zip(&self.origins) {
            match (key.show)(&self.settings) {
                Some(value) => writeln!(f, "{} = {value}  # {origin}", key.key)?,
                None => writeln!(f, "# {} is not set  # {origin}", key.key)?,
            }
        }
        for name in &self.ignored {
            writeln!(f, "# ignored: {name}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Configuration").field(&self.to_string()).finish()
    }
}

/// The process's variables, read once for a configuration.
fn environment() -> Vec<(OsString, OsString)> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the environment is read, when asked to"
    )]
    std::env::vars_os().collect()
}

/// Those that begin as ours do; of others nothing is wanted, not even that they are text.
fn own_variables<N: Into<OsString>, V: Into<OsString>>(
    variables: impl IntoIterator<Item = (N, V)>,
) -> Result<Vec<(String, String)>, ConfigurationError> {
    let mut own = Vec::new();
    for (name, value) in variables {
        let Ok(name) = name.into().into_string() else { continue };
        if !name.starts_with(PREFIX) {
            continue;
        }
        match value.into().into_string() {
            Ok(value) => own.push((name, value)),
            // A stranger's variable may hold anything.
            Err(_) if KEYS.iter().all(|key| key.variable() != name) && name != FILE_VARIABLE => {}
            Err(_) => return Err(ConfigurationError::NotUnicode { name }),
        }
    }
    own.sort();
    Ok(own)
}
