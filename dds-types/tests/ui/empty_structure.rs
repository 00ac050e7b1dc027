use dds_derive::DdsType;

#[derive(DdsType)]
struct Nothing {}

fn main() {}
