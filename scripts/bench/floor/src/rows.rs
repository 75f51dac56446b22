//! Bytes into rows of 1 MiB, over one connection and with nothing else to do.

use crate::database::connect;
use postgres::Error;

const ROW: usize = 1 << 20;
const ROWS_A_TRANSACTION: i64 = 16;

pub fn write(mebibytes: i64) -> Result<(), Error> {
    let mut client = connect()?;
    // As the program's own rows are: found by a key, and not compressed.
    client.batch_execute(
        "CREATE TABLE IF NOT EXISTS floor_rows (start_bytes bigint PRIMARY KEY, data bytea NOT NULL);
         ALTER TABLE floor_rows ALTER COLUMN data SET STORAGE EXTERNAL; TRUNCATE floor_rows",
    )?;
    let insert = client.prepare("INSERT INTO floor_rows (start_bytes, data) VALUES ($1, $2)")?;
    let data = noise();
    for first in (0..mebibytes).step_by(ROWS_A_TRANSACTION as usize) {
        let mut transaction = client.transaction()?;
        for row in first..mebibytes.min(first + ROWS_A_TRANSACTION) {
            transaction.execute(&insert, &[&(row * ROW as i64), &data])?;
        }
        transaction.commit()?;
    }
    Ok(())
}

/// Nothing that a disk below could compress.
fn noise() -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let words = (0..ROW / 8).flat_map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.collect()
}
