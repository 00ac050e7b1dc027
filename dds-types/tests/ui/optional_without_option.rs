use dds_derive::DdsType;

#[derive(DdsType)]
struct Sample {
    #[dds(optional)]
    id: u32,
}

fn main() {}
