use dds_derive::DdsType;

#[derive(DdsType)]
struct Sample {
    #[dds(keys)]
    id: u32,
}

fn main() {}
