-- What a list of runs shows beside: how many steps failed, and who carried out model tools.
ALTER TABLE runs ADD COLUMN steps_failed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN worker TEXT;

-- The last run of a plan is looked for whenever the plan is opened.
CREATE INDEX run_details_by_plan ON run_details (plan_path);
