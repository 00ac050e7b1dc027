//! The Data Distribution Service: participants, topics, typed readers and writers.
