//! PERSISTENT channels on disk.
//!
//! One `redb` file. Everything that one burst of samples changes is one transaction, which is on the disk
//! when [`Store::commit`] returns; only then are the samples acknowledged to their writers.

#[cfg(test)]
mod cut;

use std::path::Path;

use dds_core::rtps::structure::{Guid, SequenceNumber};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableError};

use crate::{archive::Place, error::StoreError, record::Record};

/// Numbers a channel in the file.
pub(crate) type ChannelId = u64;

/// What a channel is: its announcement as a parameter list.
const CHANNELS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("channels");
/// Records by channel and place.
const RECORDS: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("records");
/// The last number got, by channel and writer.
const WRITERS: TableDefinition<'_, (u64, [u8; 16]), i64> = TableDefinition::new("writers");
/// Facts about the file.
const FACTS: TableDefinition<'_, &str, u64> = TableDefinition::new("facts");

const FORMAT: &str = "format";
const FORMAT_VERSION: u64 = 1;

/// One change of what is stored.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Step {
    AddChannel(ChannelId, Vec<u8>),
    /// Its records and writers go with it.
    RemoveChannel(ChannelId),
    Put(ChannelId, Place, Record),
    Remove(ChannelId, Place),
    /// How far a writer has come.
    Latest(ChannelId, Guid, SequenceNumber),
    ForgetWriter(ChannelId, Guid),
}

/// A channel as it was read.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct StoredChannel {
    pub(crate) id: ChannelId,
    pub(crate) announcement: Vec<u8>,
    pub(crate) records: Vec<(Place, Record)>,
    pub(crate) writers: Vec<(Guid, SequenceNumber)>,
}

/// The file.
#[derive(Debug)]
pub(crate) struct Store {
    database: Database,
}

impl Store {
    /// Opens the file, or makes it.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        Self::prepare(Database::create(path).map_err(redb::Error::from)?)
    }

    /// As [`Store::open`], on any storage.
    #[cfg(test)]
    pub(crate) fn open_backend(backend: impl redb::StorageBackend) -> Result<Self, StoreError> {
        Self::prepare(Database::builder().create_with_backend(backend).map_err(redb::Error::from)?)
    }

    fn prepare(database: Database) -> Result<Self, StoreError> {
        let transaction = database.begin_write().map_err(redb::Error::from)?;
        {
            let mut facts = transaction.open_table(FACTS).map_err(redb::Error::from)?;
            let known = facts.get(FORMAT).map_err(redb::Error::from)?.map(|version| version.value());
            match known {
                None => {
                    facts.insert(FORMAT, FORMAT_VERSION).map_err(redb::Error::from)?;
                }
                Some(FORMAT_VERSION) => {}
                Some(found) => return Err(StoreError::Format { found, known: FORMAT_VERSION }),
            }
        }
        transaction.commit().map_err(redb::Error::from)?;
        Ok(Self { database })
    }

    /// Everything that is stored. Records that cannot be read are left out, with a warning.
    pub(crate) fn load(&self) -> Result<Vec<StoredChannel>, StoreError> {
        Ok(self.read_all()?)
    }

    fn read_all(&self) -> Result<Vec<StoredChannel>, redb::Error> {
        let transaction = self.database.begin_read()?;
        let channels = match transaction.open_table(CHANNELS) {
            Ok(channels) => channels,
            // Nothing was ever stored.
            Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        // Made by the first commit, all together.
        let (records, writers) = (transaction.open_table(RECORDS)?, transaction.open_table(WRITERS)?);
        let mut found = Vec::new();
        for entry in channels.iter()? {
            let (id, announcement) = entry?;
            let id = id.value();
            let mut channel =
                StoredChannel { id, announcement: announcement.value().to_vec(), ..StoredChannel::default() };
            for entry in records.range((id, 0)..=(id, u64::MAX))? {
                let (key, bytes) = entry?;
                match Record::from_bytes(bytes.value()) {
                    Some(record) => channel.records.push((key.value().1, record)),
                    None => {
                        tracing::warn!(channel = id, place = key.value().1, "a stored sample is unreadable")
                    }
                }
            }
            for entry in writers.range((id, [0; 16])..=(id, [u8::MAX; 16]))? {
                let (key, latest) = entry?;
                channel.writers.push((Guid::from_bytes(key.value().1), SequenceNumber(latest.value())));
            }
            found.push(channel);
        }
        Ok(found)
    }

    /// Does all steps or none; they are on the disk when this returns.
    pub(crate) fn commit(&mut self, steps: &[Step]) -> Result<(), StoreError> {
        Ok(self.write_all(steps)?)
    }

    fn write_all(&mut self, steps: &[Step]) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        {
            let mut channels = transaction.open_table(CHANNELS)?;
            let mut records = transaction.open_table(RECORDS)?;
            let mut writers = transaction.open_table(WRITERS)?;
            for step in steps {
                match step {
                    Step::AddChannel(id, announcement) => {
                        channels.insert(id, announcement.as_slice())?;
                    }
                    Step::RemoveChannel(id) => {
                        channels.remove(id)?;
                        records.retain_in((*id, 0)..=(*id, u64::MAX), |_, _| false)?;
                        writers.retain_in((*id, [0; 16])..=(*id, [u8::MAX; 16]), |_, _| false)?;
                    }
                    Step::Put(id, place, record) => {
                        records.insert((*id, *place), record.to_bytes().as_slice())?;
                    }
                    Step::Remove(id, place) => {
                        records.remove((*id, *place))?;
                    }
                    Step::Latest(id, writer, number) => {
                        writers.insert((*id, writer.to_bytes()), number.0)?;
                    }
                    Step::ForgetWriter(id, writer) => {
                        writers.remove((*id, writer.to_bytes()))?;
                    }
                }
            }
        }
        transaction.commit()?;
        Ok(())
    }
}
