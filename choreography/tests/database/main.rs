//! The database layer: the same statements do the same in SQLite and, if `TEST_POSTGRES_URL` is
//! set, in PostgreSQL.

mod faults;
mod places;
mod statements;

use places::Place;

/// Makes of each test one for each database. The schema's name is the test's.
macro_rules! on_both {
    ($($module:ident::$test:ident: $on_sqlite:ident, $on_postgres:ident;)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $on_sqlite() {
            $module::$test(Place::sqlite()).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $on_postgres() {
            let make = [
                concat!("DROP SCHEMA IF EXISTS db_", stringify!($test), " CASCADE"),
                concat!("CREATE SCHEMA db_", stringify!($test)),
            ];
            if let Some(place) = Place::postgres(concat!("db_", stringify!($test)), make).await {
                $module::$test(place).await;
            }
        }
    )+};
}

on_both! {
    statements::values_come_back_as_they_went:
        values_come_back_on_sqlite,
        values_come_back_on_postgres_only_if_test_postgres_url_is_set;
    statements::a_batch_may_be_empty_or_have_no_columns:
        an_empty_batch_on_sqlite,
        an_empty_batch_on_postgres_only_if_test_postgres_url_is_set;
    statements::the_time_is_the_databases:
        the_time_on_sqlite,
        the_time_on_postgres_only_if_test_postgres_url_is_set;
    statements::rows_are_locked_by_the_same_text:
        locks_on_sqlite,
        locks_on_postgres_only_if_test_postgres_url_is_set;
    statements::a_transaction_is_whole_or_nothing:
        transactions_on_sqlite,
        transactions_on_postgres_only_if_test_postgres_url_is_set;
    statements::several_may_migrate_at_once:
        migrations_on_sqlite,
        migrations_on_postgres_only_if_test_postgres_url_is_set;
    statements::a_table_that_grows_is_never_read_whole:
        growth_on_sqlite,
        growth_on_postgres_only_if_test_postgres_url_is_set;
    faults::what_is_wrong_with_the_data_is_refused:
        refusals_on_sqlite,
        refusals_on_postgres_only_if_test_postgres_url_is_set;
    faults::what_is_refused_is_told_without_its_values:
        values_stay_inside_on_sqlite,
        values_stay_inside_on_postgres_only_if_test_postgres_url_is_set;
    faults::a_lock_that_another_holds_is_a_conflict:
        conflicts_on_sqlite,
        conflicts_on_postgres_only_if_test_postgres_url_is_set;
    faults::everything_else_is_transient:
        transient_faults_on_sqlite,
        transient_faults_on_postgres_only_if_test_postgres_url_is_set;
}
