"""What never runs in production: the demo world, a large made-up one, the local eID provider and the local mail catcher."""
