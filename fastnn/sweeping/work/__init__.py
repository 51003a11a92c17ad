"""The work of a sweep: done by threads here, or shard by shard by executors elsewhere."""
