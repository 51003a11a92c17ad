"""Who works through a sweep: threads here, or executors elsewhere, shard by shard."""
