use dds_derive::DdsType;

#[derive(DdsType)]
struct Sample {
    #[dds(bounded(4))]
    count: u32,
}

fn main() {}
