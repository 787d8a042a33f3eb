"""What never runs in production: the demo world, a large made-up one, the eID provider and the mail catcher of a
laptop."""
