//! The rows of the tables: each edit, built by each way, as often as asked.

use anyhow::Result;

use crate::cost::{Cost, Image};
use crate::desk::{Contestant, Desk};
use crate::project::{Edit, Project, Service};
use crate::way::Way;

/// So often a build is tried: networks have bad moments, and the row before took minutes.
const ATTEMPTS: usize = 3;

/// The row that all others are edits of.
pub const FIRST_BUILD: &str = "first build";

/// What each way's builds cost.
#[derive(Debug)]
pub struct Row {
    /// The edit.
    pub name: String,
    /// The builds of each way; not none.
    pub costs: Vec<(Way, Vec<Cost>)>,
}

/// Ways to build, side by side.
pub struct Bench {
    desk: Desk,
    contestants: Vec<Contestant>,
    runs: usize,
}

impl Bench {
    /// Brings up what they build with.
    ///
    /// # Errors
    ///
    /// When that fails.
    pub fn new(service: Service, ways: &[Way], runs: usize) -> Result<Self> {
        let contestants = ways.iter().map(|way| {
            let project = Project::new(service, *way)?;
            Ok(Contestant { way: *way, project, cache: String::new(), before: Image::default() })
        });
        Ok(Self { contestants: contestants.collect::<Result<_>>()?, desk: Desk::new(ways)?, runs })
    }

    /// First builds, without any cache, that of the installers and of the models included; `runs`
    /// of them.
    ///
    /// # Errors
    ///
    /// When a build fails, or the images do not say the same.
    pub fn first_builds(&mut self, runs: usize) -> Result<Row> {
        let Self { desk, contestants, .. } = self;
        let tag = |run| format!("first-{run}");
        let costs = in_turn(FIRST_BUILD, contestants, runs, |contestant, run, attempt| {
            contestant.cache = format!("{}-{run}-{attempt}", contestant.way.slug());
            let (cost, image) = desk.build_first(contestant, &tag(run))?;
            contestant.before = image;
            Ok(cost)
        })?;
        desk.compare(contestants, &tag(runs - 1))?;
        // The last one is what the edits are compared with.
        desk.forget(contestants, (0..runs - 1).map(tag))?;
        Ok(Row { name: FIRST_BUILD.to_owned(), costs })
    }

    /// Builds after `edit` on the engine that has built all before.
    ///
    /// # Errors
    ///
    /// When a build fails.
    pub fn on_the_desk(&mut self, edit: Edit) -> Result<Row> {
        let Self { desk, contestants, runs } = self;
        let tag = |run| format!("edit-{run}");
        let costs = in_turn(edit.name, contestants, *runs, |contestant, run, _| {
            contestant.project.edit(edit, run)?;
            desk.build_again(contestant, &tag(run))
        })?;
        desk.forget(contestants, (0..*runs).map(tag))?;
        Ok(Row { name: edit.name.to_owned(), costs })
    }

    /// Leaves each way's cache and image where CI finds them.
    ///
    /// # Errors
    ///
    /// When a build fails.
    pub fn export_caches(&self) -> Result<()> {
        self.contestants.iter().try_for_each(|contestant| {
            contestant.project.reset()?;
            self.desk.export_cache(contestant)
        })
    }

    /// Builds after `edit`, each on an empty engine that takes the exported cache, and pushes.
    ///
    /// # Errors
    ///
    /// When a build fails.
    pub fn in_ci(&mut self, edit: Edit) -> Result<Row> {
        let Self { desk, contestants, runs } = self;
        let name = format!("in CI: {}", edit.name);
        let costs = in_turn(&name, contestants, *runs, |contestant, run, _| {
            contestant.project.edit(edit, run)?;
            desk.build_in_ci(contestant)
        })?;
        Ok(Row { name, costs })
    }
}

/// What `build`, given the numbers of the run and of the attempt, costs each of them. They build in
/// turn, so that a slow moment of the machine meets all, and in each run another one begins: what
/// is asked for first, an index or a hub near by has to get itself.
fn in_turn(
    name: &str,
    contestants: &mut [Contestant],
    runs: usize,
    mut build: impl FnMut(&mut Contestant, usize, usize) -> Result<Cost>,
) -> Result<Vec<(Way, Vec<Cost>)>> {
    let mut costs: Vec<_> =
        contestants.iter().map(|contestant| (contestant.way, Vec::new())).collect();
    for run in 0..runs {
        let mut in_turn: Vec<_> = contestants.iter_mut().zip(&mut costs).collect();
        let first = run % in_turn.len().max(1);
        in_turn.rotate_left(first);
        for (contestant, (way, costs)) in in_turn {
            eprintln!("{name}, {} of {runs}: {}", run + 1, way.title());
            let mut attempt = 0;
            costs.push(loop {
                attempt += 1;
                match build(contestant, run, attempt) {
                    Err(error) if attempt < ATTEMPTS => eprintln!("{error:#}\ntrying again"),
                    result => break result?,
                }
            });
        }
    }
    Ok(costs)
}
