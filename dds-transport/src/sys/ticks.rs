//! The time-stamp counter.

/// The counter where it can be trusted.
#[cfg(all(target_os = "linux", target_arch = "x86_64", not(dds_transport_portable)))]
mod counter {
    #[derive(Debug)]
    pub(crate) struct Ticks(());

    impl Ticks {
        pub(crate) fn find() -> Option<Self> {
            // The kernel takes it for its clock only where it is constant and the same on all cores.
            let source = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
            let trusted = std::fs::read_to_string(source).is_ok_and(|source| source.trim() == "tsc");
            trusted.then_some(Self(()))
        }

        #[inline]
        pub(crate) fn read(&self) -> u64 {
            // SAFETY: the instruction exists on every x86-64 processor and touches no memory.
            unsafe { core::arch::x86_64::_rdtsc() }
        }
    }
}

/// None here.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64", not(dds_transport_portable))))]
mod counter {
    #[derive(Debug)]
    pub(crate) enum Ticks {}

    impl Ticks {
        pub(crate) fn find() -> Option<Self> {
            None
        }

        pub(crate) fn read(&self) -> u64 {
            match *self {}
        }
    }
}

pub(crate) use counter::Ticks;
