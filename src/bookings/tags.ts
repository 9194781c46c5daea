// What cached answers about bookings depend on: named by the views that are read, touched by the changes that are made.

export const bookingTag = (id: string) => `booking:${id}`

/** Of every list of one therapist's bookings. */
export const bookingsTag = (therapistId: string) => `bookings:${therapistId}`

/** Of every list of what one user has booked. */
export const bookingsOfUserTag = (userId: string) => `bookings:u:${userId}`

/** Whose the calendar file behind a secret address is; named by the hash of the secret. */
export const feedTag = (tokenHash: string) => `calendar-feed:${tokenHash}`
