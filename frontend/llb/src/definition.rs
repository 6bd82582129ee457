//! A graph as BuildKit takes it, and back.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
    sync::Arc,
};

use buildkit_proto::pb;
use prost::Message as _;

use crate::{
    Lines, Location, Meta, SourceFile, State, Vertex,
    marshal::{canonical_bytes, digest},
    state::{Output, ProgressGroup},
};

/// All the vertices that lead to one state, each once, inputs before what is made from them.
#[derive(Clone, Debug)]
pub struct Definition {
    vertices: Vec<Arc<Vertex>>,
    target: State,
}

/// A definition that does not describe a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MalformedDefinition(&'static str);

impl Definition {
    pub(crate) fn of(target: &State) -> Self {
        let mut vertices = Vec::new();
        let mut seen = HashSet::new();
        if let Some(output) = &target.0 {
            collect(&output.vertex, &mut seen, &mut vertices);
        }
        Self { vertices, target: target.clone() }
    }

    /// Whether it is the empty filesystem's. BuildKit takes no definition of that; an empty
    /// reference stands for it.
    pub const fn is_empty(&self) -> bool {
        self.target.is_scratch()
    }

    /// The vertices, inputs before what is made from them.
    pub fn vertices(&self) -> impl Iterator<Item = &Vertex> {
        self.vertices.iter().map(|vertex| &**vertex)
    }

    /// All that the daemon must be capable of, by the names of `solver/pb/caps.go`.
    pub fn required_caps(&self) -> BTreeSet<&str> {
        self.vertices().flat_map(|vertex| vertex.caps.iter().map(String::as_str)).collect()
    }

    /// The message.
    pub fn to_pb(&self) -> pb::Definition {
        let Some(target) = self.target.input() else {
            return pb::Definition::default();
        };
        let end = canonical_bytes(pb::Op { inputs: vec![target], ..pb::Op::default() });
        let end_digest = digest(&end);
        let mut metadata: BTreeMap<String, pb::OpMetadata> =
            self.vertices().map(|vertex| (vertex.digest.clone(), vertex.metadata())).collect();
        let end_caps = ["constraints", "meta.description", "platform"];
        metadata.insert(
            end_digest,
            pb::OpMetadata {
                caps: end_caps.into_iter().map(|cap| (cap.to_owned(), true)).collect(),
                ..pb::OpMetadata::default()
            },
        );
        pb::Definition {
            def: self.vertices().map(|vertex| vertex.bytes.clone()).chain([end]).collect(),
            metadata,
            source: Some(self.source_map()),
        }
    }

    fn source_map(&self) -> pb::Source {
        let mut infos: Vec<Arc<SourceFile>> = Vec::new();
        let mut locations = BTreeMap::new();
        for vertex in self.vertices() {
            let entries: Vec<pb::Location> = vertex
                .meta
                .locations
                .iter()
                .map(|location| {
                    let index = infos.iter().position(|info| *info == location.file);
                    let index = index.unwrap_or_else(|| {
                        infos.push(Arc::clone(&location.file));
                        infos.len() - 1
                    });
                    location.to_pb(index)
                })
                .collect();
            if !entries.is_empty() {
                locations.insert(vertex.digest.clone(), pb::Locations { locations: entries });
            }
        }
        let infos = infos.iter().map(|file| pb::SourceInfo {
            filename: file.name.clone(),
            data: file.data.clone(),
            definition: None,
            language: file.language.clone(),
        });
        pb::Source { locations, infos: infos.collect() }
    }
}

/// Depth first, so that inputs come before what is made from them.
fn collect(vertex: &Arc<Vertex>, seen: &mut HashSet<String>, into: &mut Vec<Arc<Vertex>>) {
    if !seen.insert(vertex.digest.clone()) {
        return;
    }
    for input in &vertex.inputs {
        if let Some(output) = &input.0 {
            collect(&output.vertex, seen, into);
        }
    }
    into.push(Arc::clone(vertex));
}

impl Vertex {
    fn metadata(&self) -> pb::OpMetadata {
        let meta = &self.meta;
        let mut description: BTreeMap<String, String> = meta.description.iter().cloned().collect();
        if let Some(name) = &meta.name {
            description.insert("llb.customname".to_owned(), name.clone());
        }
        pb::OpMetadata {
            ignore_cache: meta.ignore_cache,
            description,
            export_cache: meta.export_cache.map(|value| pb::ExportCache { value }),
            caps: self.caps.iter().map(|cap| (cap.clone(), true)).collect(),
            progress_group: meta.progress_group.as_ref().map(|group| pb::ProgressGroup {
                id: group.id.clone(),
                name: group.name.clone(),
                weak: group.weak,
            }),
        }
    }
}

impl Location {
    fn to_pb(&self, source_index: usize) -> pb::Location {
        let position = |line: u32| {
            Some(pb::Position { line: i32::try_from(line).unwrap_or(i32::MAX), character: 0 })
        };
        pb::Location {
            source_index: i32::try_from(source_index).unwrap_or(i32::MAX),
            ranges: vec![pb::Range {
                start: position(self.lines.start),
                end: position(self.lines.end),
            }],
        }
    }
}

impl State {
    /// The state that a definition from elsewhere ends in, to build upon: an input that the
    /// client gave, or the frontend's own image. Bytes, names, caps and lines are kept; an entry of
    /// its source map that leads nowhere is not.
    ///
    /// # Errors
    ///
    /// When an operation cannot be decoded, comes before one of its inputs, or when the last
    /// one does not name a single input.
    pub fn from_pb(definition: &pb::Definition) -> Result<Self, MalformedDefinition> {
        let Some((end, ops)) = definition.def.split_last() else {
            return Ok(Self::scratch());
        };
        let source = definition.source.clone().unwrap_or_default();
        let files: Vec<Arc<SourceFile>> =
            source.infos.into_iter().map(|info| Arc::new(info.into())).collect();
        let mut vertices: HashMap<String, Arc<Vertex>> = HashMap::new();
        for bytes in ops {
            let op = pb::Op::decode(&**bytes)
                .map_err(|_| MalformedDefinition("an operation cannot be decoded"))?;
            let inputs = resolve(&op.inputs, &vertices)?;
            let digest = digest(bytes);
            let metadata = definition.metadata.get(&digest).cloned().unwrap_or_default();
            let locations = source.locations.get(&digest);
            let vertex = Arc::new(Vertex {
                digest: digest.clone(),
                bytes: bytes.clone(),
                inputs,
                caps: metadata.caps.keys().cloned().collect(),
                meta: Meta::from(metadata)
                    .at(locations.into_iter().flat_map(|it| places(it, &files))),
            });
            vertices.insert(digest, vertex);
        }
        let end = pb::Op::decode(&**end)
            .map_err(|_| MalformedDefinition("the last operation cannot be decoded"))?;
        match &resolve(&end.inputs, &vertices)?[..] {
            [state] => Ok(state.clone()),
            _ => Err(MalformedDefinition("the last operation does not name one input")),
        }
    }
}

fn resolve(
    inputs: &[pb::Input],
    vertices: &HashMap<String, Arc<Vertex>>,
) -> Result<Vec<State>, MalformedDefinition> {
    let missing = MalformedDefinition("an operation comes before its input");
    inputs
        .iter()
        .map(|input| {
            let vertex = vertices.get(&input.digest).ok_or(missing.clone())?;
            let index = u32::try_from(input.index)
                .map_err(|_| MalformedDefinition("an input has an index below zero"))?;
            Ok(State(Some(Output { vertex: Arc::clone(vertex), index })))
        })
        .collect()
}

impl From<pb::SourceInfo> for SourceFile {
    fn from(info: pb::SourceInfo) -> Self {
        Self { name: info.filename, language: info.language, data: info.data }
    }
}

/// The lines of `files` that others say a vertex comes from; what is not there, nobody can show.
fn places(locations: &pb::Locations, files: &[Arc<SourceFile>]) -> Vec<Location> {
    let line = |position: &Option<pb::Position>| {
        let line = u32::try_from(position.as_ref()?.line).ok()?;
        (line > 0).then_some(line)
    };
    let of_file = |location: &pb::Location| {
        let index = usize::try_from(location.source_index).ok()?;
        Some((Arc::clone(files.get(index)?), location.ranges.clone()))
    };
    let places = locations.locations.iter().filter_map(of_file).flat_map(|(file, ranges)| {
        ranges.into_iter().filter_map(move |range| {
            let start = line(&range.start)?;
            let end = line(&range.end).map_or(start, |end| end.max(start));
            Some(Location { file: Arc::clone(&file), lines: Lines { start, end } })
        })
    });
    places.collect()
}

impl From<pb::OpMetadata> for Meta {
    fn from(mut metadata: pb::OpMetadata) -> Self {
        Self {
            name: metadata.description.remove("llb.customname"),
            description: metadata.description.into_iter().collect(),
            progress_group: metadata.progress_group.map(|group| ProgressGroup {
                id: group.id,
                name: group.name,
                weak: group.weak,
            }),
            ignore_cache: metadata.ignore_cache,
            export_cache: metadata.export_cache.map(|export| export.value),
            locations: Vec::new(),
        }
    }
}

impl fmt::Display for MalformedDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed LLB definition: {}", self.0)
    }
}

impl std::error::Error for MalformedDefinition {}
