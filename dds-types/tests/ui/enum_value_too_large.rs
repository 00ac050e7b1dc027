use dds_derive::DdsType;

#[derive(DdsType)]
#[dds(bit_bound = "8")]
enum Level {
    Low = 1,
    High = 300,
}

fn main() {}
