// What cached answers about accounts depend on.

/** Of what a user's account says. */
export const userTag = (id: string) => `user:${id}`

/** Of all sessions of a user: they begin and end one by one, but there are few of them, and one number is read faster. */
export const sessionsTag = (userId: string) => `sessions:${userId}`
