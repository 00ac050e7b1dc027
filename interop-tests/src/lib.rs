//! Real peers of other vendors driven as tests.
