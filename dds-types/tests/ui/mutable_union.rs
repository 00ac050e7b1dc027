use dds_derive::DdsType;

#[derive(DdsType)]
#[dds(switch(i32), extensibility = "mutable")]
enum Choice {
    #[dds(case = 1)]
    One(u8),
}

fn main() {}
