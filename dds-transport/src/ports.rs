//! The standard port mapping (RTPS 2.5 §9.6.2.3, «Default Port Numbers»).

use crate::error::PortError;

/// How domain and participant ids become UDP ports (RTPS 2.5 §9.6.2.3). All participants of a domain must
/// use the same mapping.
///
/// | traffic | port |
/// |---|---|
/// | metatraffic multicast | PB + DG · domain + d0 |
/// | metatraffic unicast | PB + DG · domain + d1 + PG · participant |
/// | user multicast | PB + DG · domain + d2 |
/// | user unicast | PB + DG · domain + d3 + PG · participant |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortMapping {
    /// PB, the port base. Default 7400.
    pub port_base: u16,
    /// DG, the domain id gain. Default 250.
    pub domain_id_gain: u16,
    /// PG, the participant id gain. Default 2.
    pub participant_id_gain: u16,
    /// d0, offset of metatraffic multicast. Default 0.
    pub d0: u16,
    /// d1, offset of metatraffic unicast. Default 10.
    pub d1: u16,
    /// d2, offset of user multicast. Default 1.
    pub d2: u16,
    /// d3, offset of user unicast. Default 11.
    pub d3: u16,
}

impl Default for PortMapping {
    /// The values of RTPS 2.5 §9.6.2.3 Table 9.8.
    fn default() -> Self {
        Self { port_base: 7400, domain_id_gain: 250, participant_id_gain: 2, d0: 0, d1: 10, d2: 1, d3: 11 }
    }
}

impl PortMapping {
    /// The domain's metatraffic multicast port.
    ///
    /// # Errors
    /// [`PortError::DomainTooLarge`] beyond the last domain with ports for at least one participant.
    pub fn metatraffic_multicast(&self, domain: u32) -> Result<u16, PortError> {
        self.domain_port(domain, self.d0)
    }

    /// The domain's user multicast port.
    ///
    /// # Errors
    /// [`PortError::DomainTooLarge`] beyond the last domain with ports for at least one participant.
    pub fn user_multicast(&self, domain: u32) -> Result<u16, PortError> {
        self.domain_port(domain, self.d2)
    }

    /// The participant's metatraffic unicast port.
    ///
    /// # Errors
    /// [`PortError::DomainTooLarge`], or [`PortError::ParticipantIdTooLarge`] beyond the domain's last.
    pub fn metatraffic_unicast(&self, domain: u32, participant_id: u32) -> Result<u16, PortError> {
        self.participant_port(domain, participant_id, self.d1)
    }

    /// The participant's user unicast port.
    ///
    /// # Errors
    /// [`PortError::DomainTooLarge`], or [`PortError::ParticipantIdTooLarge`] beyond the domain's last.
    pub fn user_unicast(&self, domain: u32, participant_id: u32) -> Result<u16, PortError> {
        self.participant_port(domain, participant_id, self.d3)
    }

    /// How many participant ids the domain has: those whose ports stay below the next domain's and below
    /// 65,536. 120 with the standard values, fewer in the last domain.
    ///
    /// # Errors
    /// [`PortError::DomainTooLarge`] when there is none.
    pub fn participant_ids(&self, domain: u32) -> Result<u32, PortError> {
        let too_large = PortError::DomainTooLarge { domain, largest: self.largest_domain() };
        self.participants_in(domain).ok_or(too_large)
    }

    /// The largest domain id with ports for at least one participant; 232 with the standard values.
    #[must_use]
    pub fn largest_domain(&self) -> Option<u32> {
        let highest_offset = u32::from(self.d0.max(self.d1).max(self.d2).max(self.d3));
        let room = u32::from(u16::MAX).checked_sub(u32::from(self.port_base))?.checked_sub(highest_offset)?;
        Some(room.checked_div(u32::from(self.domain_id_gain)).unwrap_or(0))
    }

    fn participants_in(&self, domain: u32) -> Option<u32> {
        let start = self.domain_start(domain)?;
        let highest_offset = u32::from(self.d0.max(self.d1).max(self.d2).max(self.d3));
        let room = u32::from(u16::MAX).checked_sub(start)?.checked_sub(highest_offset)?;
        let unicast_offset = u32::from(self.d1.max(self.d3));
        // With a gain of 0 or below the offsets domains share ports by configuration: only 65,535 bounds.
        let until_next_domain = u32::from(self.domain_id_gain).checked_sub(unicast_offset.saturating_add(1));
        let span = until_next_domain.map_or(room, |span| span.min(room));
        Some(span.checked_div(u32::from(self.participant_id_gain)).unwrap_or(0).saturating_add(1))
    }

    fn domain_start(&self, domain: u32) -> Option<u32> {
        u32::from(self.domain_id_gain).checked_mul(domain)?.checked_add(u32::from(self.port_base))
    }

    fn domain_port(&self, domain: u32, offset: u16) -> Result<u16, PortError> {
        self.participant_ids(domain)?;
        self.domain_start(domain)
            .and_then(|start| start.checked_add(u32::from(offset)))
            .and_then(|port| u16::try_from(port).ok())
            .ok_or_else(|| PortError::DomainTooLarge { domain, largest: self.largest_domain() })
    }

    fn participant_port(&self, domain: u32, participant_id: u32, offset: u16) -> Result<u16, PortError> {
        let ids = self.participant_ids(domain)?;
        let too_large =
            || PortError::ParticipantIdTooLarge { domain, participant_id, largest: ids.checked_sub(1) };
        if participant_id >= ids {
            return Err(too_large());
        }
        self.domain_start(domain)
            .and_then(|start| start.checked_add(u32::from(offset)))
            .and_then(|port| {
                port.checked_add(u32::from(self.participant_id_gain).checked_mul(participant_id)?)
            })
            .and_then(|port| u16::try_from(port).ok())
            .ok_or_else(too_large)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_ports() {
        let ports = PortMapping::default();
        assert_eq!(ports.metatraffic_multicast(0), Ok(7400));
        assert_eq!(ports.user_multicast(0), Ok(7401));
        assert_eq!(ports.metatraffic_unicast(0, 0), Ok(7410));
        assert_eq!(ports.user_unicast(0, 0), Ok(7411));
        assert_eq!(ports.metatraffic_unicast(3, 5), Ok(7400 + 750 + 10 + 10));
        assert_eq!(ports.user_unicast(3, 5), Ok(7400 + 750 + 11 + 10));
    }

    #[test]
    fn domain_and_participant_limits() {
        let ports = PortMapping::default();
        assert_eq!(ports.largest_domain(), Some(232));
        assert_eq!(ports.participant_ids(0), Ok(120));
        assert_eq!(ports.user_unicast(0, 119), Ok(7649));
        assert_eq!(
            ports.user_unicast(0, 120),
            Err(PortError::ParticipantIdTooLarge { domain: 0, participant_id: 120, largest: Some(119) })
        );
        assert_eq!(ports.participant_ids(232), Ok(63));
        assert_eq!(ports.user_unicast(232, 62), Ok(65535));
        for domain in [233, u32::MAX] {
            assert_eq!(
                ports.metatraffic_multicast(domain),
                Err(PortError::DomainTooLarge { domain, largest: Some(232) })
            );
            assert!(matches!(ports.user_unicast(domain, 0), Err(PortError::DomainTooLarge { .. })));
        }
    }

    #[test]
    fn unusable_mapping() {
        let ports = PortMapping { port_base: u16::MAX, ..PortMapping::default() };
        assert_eq!(
            ports.metatraffic_multicast(0),
            Err(PortError::DomainTooLarge { domain: 0, largest: None })
        );
    }

    #[test]
    fn equal_ports_for_every_participant_leave_one_id() {
        let ports = PortMapping { participant_id_gain: 0, ..PortMapping::default() };
        assert_eq!(ports.participant_ids(0), Ok(1));
    }
}
