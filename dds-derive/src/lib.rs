//! The DdsType derive macro.
