use dds_derive::DdsType;

#[derive(DdsType)]
struct Sample {
    #[dds(key)]
    id: Option<u32>,
}

fn main() {}
