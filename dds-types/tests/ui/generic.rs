use dds_derive::DdsType;

#[derive(DdsType)]
struct Sample<T> {
    value: T,
}

fn main() {}
