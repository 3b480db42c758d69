//! Whether what is on the topics and in the databases is right.
//!
//! | rule | where |
//! |---|---|
//! | each order ends as it has to, with each answer once | `orders`, `flow` |
//! | what a client was answered is true | `journal` |
//! | pieces are neither lost nor made | `stock` |
//! | rows fit to what was said | `rows` |
//! | copies are equal, answers are in order, causes are there, one trace for each order | `speaking` |
//! | all that was taken is handled, and nothing else | `handled` |
//! | nothing is owed; dead letters as expected | `left` |

mod flow;
mod handled;
mod journal;
mod left;
mod orders;
mod rows;
mod speaking;
mod stock;

use crate::case::Case;
use crate::evidence::{Evidence, Terms};
use crate::verdict::Verdict;

/// Compares what there is with what there has to be. It never fails: what is wrong is in the verdict.
#[must_use]
pub fn judge(evidence: &Evidence, terms: &Terms) -> Verdict {
    let case = Case::of(evidence, terms);
    let mut verdict = Verdict::default();
    let found = &mut verdict.violations;
    journal::check(&case, found);
    stock::check(&case, found);
    speaking::check(&case, found);
    handled::check(&case, found);
    left::check(&case, found);
    orders::check(&case, &mut verdict);
    verdict.not_looked_at = crate::verdict::not_looked_at(&case);
    verdict
}
