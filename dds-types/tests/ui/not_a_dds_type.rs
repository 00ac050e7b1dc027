use dds_derive::DdsType;

#[derive(DdsType)]
struct Sample {
    count: usize,
}

fn main() {}
