use dds_derive::DdsType;

#[derive(DdsType)]
#[dds(switch(i32))]
enum Choice {
    #[dds(case = 1)]
    One(u8),
    #[dds(case = 1)]
    Two(u8),
}

fn main() {}
