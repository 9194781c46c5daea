// What cached answers about profiles depend on: named by the views that are read, touched by the changes that are made.

export const profileTag = (id: string) => `profile:${id}`

/** Of every list of profiles: which lists a new or changed row enters, nobody can tell beforehand. */
export const profilesTag = 'profiles'
