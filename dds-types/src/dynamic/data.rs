//! Samples of types that are known at run time.

use super::conform::{SetError, conform};
use super::decode::{Decoder, initial, label_of};
use super::encode::{Encoder, Part};
use super::graph::Graph;
use super::node::{TypeIndex, TypeNode};
use super::path::{PathError, Step, resolve};
use super::ty::DynamicType;
use super::value::{DynamicValue, Elements, UnionValue};
use crate::cdr::{DecodeError, EncodeError, Endianness, XcdrVersion};
use crate::payload::{body_reader, check_end, version_of, write_body};
use crate::representation::DataRepresentationId;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt;

/// A value together with its type (XTypes 1.3 §7.5.2.11).
///
/// ```
/// use dds_types::DataRepresentationId;
/// use dds_types::dynamic::{DynamicData, DynamicType, DynamicValue};
/// use dds_types::type_description::PrimitiveKind;
///
/// let position = DynamicType::structure("fleet::Position")
///     .member("vehicle", &DynamicType::string(None))
///     .key()
///     .member("at", &DynamicType::array(&DynamicType::primitive(PrimitiveKind::Float64), &[2])?)
///     .build()?;
/// let mut data = DynamicData::new(&position);
/// data.set("vehicle", "truck 7")?;
/// data.set("at[0]", 48.2)?;
/// let mut payload = Vec::new();
/// data.encode(DataRepresentationId::XCDR2, &mut payload)?;
/// let received = DynamicData::decode(&position, &payload)?;
/// assert_eq!(received.get("at[0]")?, Some(DynamicValue::Float64(48.2)));
/// assert_eq!(received, data);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct DynamicData {
    pub(super) dynamic_type: DynamicType,
    pub(super) value: DynamicValue,
}

impl fmt::Debug for DynamicData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple(self.dynamic_type.name().unwrap_or("DynamicData")).field(&self.value).finish()
    }
}

impl DynamicData {
    /// The default value of a type: zeros, empty, absent, and the first literal or case unless
    /// another is marked (XTypes 1.3 Table 9).
    pub fn new(dynamic_type: &DynamicType) -> Self {
        let value = initial(dynamic_type.graph(), dynamic_type.index());
        Self { dynamic_type: dynamic_type.clone(), value }
    }

    /// A value of a type.
    ///
    /// # Errors
    /// The value is not of this type; integers and floats are converted where nothing is lost.
    pub fn from_value(dynamic_type: &DynamicType, value: DynamicValue) -> Result<Self, SetError> {
        let value = conform(dynamic_type.graph(), dynamic_type.index(), value)?;
        Ok(Self { dynamic_type: dynamic_type.clone(), value })
    }

    /// Its type.
    pub fn dynamic_type(&self) -> &DynamicType {
        &self.dynamic_type
    }

    /// Its value.
    pub fn value(&self) -> &DynamicValue {
        &self.value
    }

    /// Its value alone.
    pub fn into_value(self) -> DynamicValue {
        self.value
    }

    /// The value that a path leads to, such as `position.x` or `rows[2].name`; `None` where an
    /// optional member is absent, a case is not selected, or a sequence is shorter.
    ///
    /// # Errors
    /// The type has no such member.
    pub fn get(&self, path: &str) -> Result<Option<DynamicValue>, PathError> {
        let (graph, root) = (self.dynamic_type.graph(), self.dynamic_type.index());
        let (steps, _) = resolve(graph, root, path)?;
        let (mut at, mut index) = (&self.value, root);
        for (place, step) in steps.iter().enumerate() {
            let next = match (graph.node(index), at, step) {
                (TypeNode::Structure(structure), DynamicValue::Structure(members), Step::Member(place)) => {
                    index = structure.members.get(*place).map_or(index, |member| member.member_type);
                    members.get(*place).and_then(Option::as_ref)
                }
                (TypeNode::Union(union), DynamicValue::Union(value), Step::Member(place)) => {
                    let selected = selected(graph, index, union, value.discriminator) == Some(*place);
                    let case = union.cases.get(*place).and_then(|case| case.member_type);
                    index = case.unwrap_or(index);
                    value.value.as_ref().filter(|_| selected)
                }
                (
                    TypeNode::Sequence { element, .. } | TypeNode::Array { element, .. },
                    DynamicValue::Elements(elements),
                    Step::Element(number),
                ) => {
                    index = *element;
                    match elements {
                        Elements::Values(values) => values.get(*number),
                        // Primitives have nothing inside: this is the last step.
                        primitives if place.saturating_add(1) == steps.len() => {
                            return Ok(primitives.get(*number));
                        }
                        _ => None,
                    }
                }
                _ => None,
            };
            let Some(next) = next else { return Ok(None) };
            at = next;
        }
        Ok(Some(at.clone()))
    }

    /// Sets what a path leads to. Optional members on the way become present, cases of unions
    /// selected; the element behind the last of a sequence is appended.
    ///
    /// Integers and floats are converted where nothing is lost, names of literals to their values.
    ///
    /// # Errors
    /// The type has no such member, the value is not of the member's type, or the path leads
    /// further behind the end of a sequence.
    pub fn set(&mut self, path: &str, value: impl Into<DynamicValue>) -> Result<(), SetError> {
        let (graph, root) = (self.dynamic_type.graph(), self.dynamic_type.index());
        let (steps, index) = resolve(graph, root, path)?;
        let value = conform(graph, index, value.into()).map_err(|error| error.within(path))?;
        place(graph, root, &mut self.value, &steps, Some(value)).map_err(|error| error.within(path))
    }

    /// Makes an optional member absent; sets others to their default value.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn clear(&mut self, path: &str) -> Result<(), SetError> {
        let (graph, root) = (self.dynamic_type.graph(), self.dynamic_type.index());
        let (steps, _) = resolve(graph, root, path)?;
        place(graph, root, &mut self.value, &steps, None).map_err(|error| error.within(path))
    }

    /// Reads a payload of any representation and byte order.
    ///
    /// # Errors
    /// The payload is no valid sample of this type, or its value would take far more memory than
    /// the payload.
    pub fn decode(dynamic_type: &DynamicType, payload: &[u8]) -> Result<Self, DecodeError> {
        let extensibility = dynamic_type.extensibility();
        let mut reader = body_reader(payload, extensibility)?;
        let mut decoder = Decoder::new(dynamic_type.graph(), payload.len());
        let value = decoder.value(dynamic_type.index(), &mut reader)?;
        check_end(payload, reader.remaining().len(), extensibility)?;
        Ok(Self { dynamic_type: dynamic_type.clone(), value })
    }

    /// Appends the sample as a payload: encapsulation header, body, padding to 4 bytes. Little
    /// endian. On error `out` holds a partial payload.
    ///
    /// # Errors
    /// A bound is broken, or the representation is not CDR.
    pub fn encode(&self, representation: DataRepresentationId, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.encode_as(Endianness::Little, version_of(representation)?, out)
    }

    /// As [`encode`](Self::encode), in the byte order and version of choice.
    ///
    /// # Errors
    /// A bound is broken.
    pub fn encode_as(
        &self,
        endianness: Endianness,
        version: XcdrVersion,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let (graph, index) = (self.dynamic_type.graph(), self.dynamic_type.index());
        write_body(self.dynamic_type.extensibility(), endianness, version, out, |writer| {
            Encoder { graph }.value(index, &self.value, Part::Whole, writer)
        })
    }
}

/// Place of the case that a discriminator selects.
fn selected(graph: &Graph, index: TypeIndex, union: &super::node::UnionNode, label: i64) -> Option<usize> {
    graph.lookup(index, label).or_else(|| union.cases.iter().position(|case| case.default))
}

/// Puts a value where the steps lead, or the default value, or nothing where it is optional.
fn place(
    graph: &Graph,
    index: TypeIndex,
    at: &mut DynamicValue,
    steps: &[Step],
    value: Option<DynamicValue>,
) -> Result<(), SetError> {
    let Some((step, rest)) = steps.split_first() else {
        *at = value.unwrap_or_else(|| initial(graph, index));
        return Ok(());
    };
    match (graph.node(index), at, step) {
        (TypeNode::Structure(structure), DynamicValue::Structure(members), Step::Member(number)) => {
            let node = structure.members.get(*number).ok_or(SetError::Inconsistent)?;
            let slot = members.get_mut(*number).ok_or(SetError::Inconsistent)?;
            if value.is_none() && node.optional && (rest.is_empty() || slot.is_none()) {
                *slot = None;
                return Ok(());
            }
            let inner = slot.get_or_insert_with(|| initial(graph, node.member_type));
            place(graph, node.member_type, inner, rest, value)
        }
        (TypeNode::Union(union), DynamicValue::Union(held), Step::Member(number)) => {
            let case = union.cases.get(*number).ok_or(SetError::Inconsistent)?;
            let member = case.member_type.ok_or(SetError::Inconsistent)?;
            if selected(graph, index, union, held.discriminator) != Some(*number) {
                let discriminator = label_of(graph, index, union, case);
                **held = UnionValue { discriminator, value: Some(initial(graph, member)) };
            }
            let inner = held.value.get_or_insert_with(|| initial(graph, member));
            place(graph, member, inner, rest, value)
        }
        (
            TypeNode::Sequence { element, .. } | TypeNode::Array { element, .. },
            DynamicValue::Elements(elements),
            Step::Element(number),
        ) => {
            let length = elements.len();
            if *number > length {
                return Err(SetError::BehindTheEnd { path: "".to_string(), length });
            }
            if *number == length {
                elements.push(initial(graph, *element)).map_err(|_| SetError::Inconsistent)?;
            }
            match elements {
                Elements::Values(values) => {
                    let inner = values.get_mut(*number).ok_or(SetError::Inconsistent)?;
                    place(graph, *element, inner, rest, value)
                }
                primitives => {
                    let value = value.unwrap_or_else(|| initial(graph, *element));
                    primitives.replace(*number, value).map_err(|_| SetError::Inconsistent)
                }
            }
        }
        _ => Err(SetError::Inconsistent),
    }
}
