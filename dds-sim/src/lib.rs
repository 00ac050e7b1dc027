//! A simulated network and virtual clock that run the production engine.
