use dds_derive::DdsType;

#[derive(DdsType)]
enum Choice {
    One(u8),
}

fn main() {}
