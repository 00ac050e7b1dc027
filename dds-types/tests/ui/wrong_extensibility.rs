use dds_derive::DdsType;

#[derive(DdsType)]
#[dds(extensibility = "extensible")]
struct Sample {
    id: u32,
}

fn main() {}
