-- Names that the first release stored: "wish" is the number of the last request of a person, a "parked" container is one that is
-- retained, a "wedged" one is stuck.
UPDATE apps SET extra = json_set(json_remove(extra, '$.wish'), '$.request', json_extract(extra, '$.wish'))
    WHERE json_valid(extra) AND json_type(extra, '$.wish') IS NOT NULL;
UPDATE changes SET data = json_set(json_remove(data, '$.wish'), '$.request', json_extract(data, '$.wish'))
    WHERE json_valid(data) AND json_type(data, '$.wish') IS NOT NULL;
UPDATE tasks SET kind = 'retain-container' WHERE kind = 'park-container';
UPDATE tasks
    SET data = json_set(json_remove(data, '$.details.parked'), '$.details.retained', json_extract(data, '$.details.parked'))
    WHERE json_valid(data) AND json_type(data, '$.details.parked') IS NOT NULL;
UPDATE tasks SET data = json_set(data, '$.details.why', 'retained')
    WHERE json_valid(data) AND json_extract(data, '$.details.why') = 'parked';
UPDATE tasks SET data = json_set(data, '$.details.why', 'stuck')
    WHERE json_valid(data) AND json_extract(data, '$.details.why') = 'wedged';
