//! Runnable programs to copy from.
