use dds_derive::DdsType;

#[derive(DdsType)]
struct Sample {
    #[dds(id = 1)]
    first: u32,
    second: u32,
    #[dds(id = 2)]
    third: u32,
}

fn main() {}
