use dds_derive::DdsType;

#[derive(DdsType)]
#[dds(bitmask, bit_bound = "8")]
struct Flags {
    #[dds(position = 8)]
    high: bool,
}

fn main() {}
