//! CDR encodings, the DdsType traits, keys and type descriptions.
