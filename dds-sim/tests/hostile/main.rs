//! Hostile input to live participants, through the whole engine.

mod allocation;
#[path = "../common/mod.rs"]
mod common;
mod corpus;
mod forge;
mod fragments;
mod scene;
mod sets;
mod strangers;
