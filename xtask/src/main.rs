//! Build, test and documentation chores of the workspace.
fn main() {}
