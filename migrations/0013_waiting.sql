CREATE INDEX "placement_waiting" ON "placement" ("finished", COALESCE("ends_on", '9999-12-31'), "search");
